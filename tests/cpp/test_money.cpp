#include <gtest/gtest.h>

#include <limits>

#include "saas_access/errors.hpp"
#include "saas_access/money.hpp"

namespace saas_access {
namespace {

constexpr PicoDollars kDollar = 1'000'000'000'000;
constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

TEST(Money, CostIsRoundedUpToTheMillionthOfACredit) {
  EXPECT_EQ(credits_for_cost(0, 10 * kMicroPerCredit), 0);
  EXPECT_EQ(credits_for_cost(kDollar, 10 * kMicroPerCredit), 10 * kMicroPerCredit);
  EXPECT_EQ(credits_for_cost(300'000'000, 10 * kMicroPerCredit), 3'000);  // $0.0003 takes 0.003 credits
  EXPECT_EQ(credits_for_cost(1, 10 * kMicroPerCredit), 1);
  EXPECT_EQ(credits_for_cost(100'000, 10 * kMicroPerCredit), 1);
  EXPECT_EQ(credits_for_cost(100'001, 10 * kMicroPerCredit), 2);
}

TEST(Money, CostIsExactWhereA64BitProductOrADoubleIsNot) {
  EXPECT_EQ(credits_for_cost(9'007'199'254'740'993, 3 * kMicroPerCredit), 27'021'597'765);  // 2^53 + 1
  EXPECT_EQ(credits_for_cost(900'000'000'000'000'001, kDollar), 900'000'000'000'000'001);
}

TEST(Money, TokensAreRoundedUpToTheMillionthOfACredit) {
  EXPECT_EQ(credits_for_tokens(0, 10'000), 0);
  EXPECT_EQ(credits_for_tokens(10'000, 10'000), kMicroPerCredit);
  EXPECT_EQ(credits_for_tokens(1, 10'000), 100);
  EXPECT_EQ(credits_for_tokens(1, 3), 333'334);
  EXPECT_EQ(credits_for_tokens(kLargest, kLargest), kMicroPerCredit);
}

TEST(Money, RefusesNegativeArgumentsAndResultsThatCannotBeCounted) {
  EXPECT_THROW(credits_for_cost(-1, kMicroPerCredit), Invalid);
  EXPECT_THROW(credits_for_cost(1, -1), Invalid);
  EXPECT_THROW(credits_for_tokens(-1, 1), Invalid);
  EXPECT_THROW(credits_for_tokens(1, 0), Invalid);
  EXPECT_EQ(credits_for_tokens(1'000'000'000'000, 1), kMaxMicroCredits);
  EXPECT_THROW(credits_for_tokens(1'000'000'000'001, 1), Invalid);
  EXPECT_THROW(credits_for_cost(kLargest, kLargest), Invalid);
}

TEST(Money, PriceOfACallFollowsTheTeamsMode) {
  const Usage usage{.total_tokens = 25'000, .price_known = true, .cost = kDollar / 100};
  Pricing pricing{.credits_per_call = 7};
  EXPECT_EQ(price_of_call(pricing, usage, false), 7);
  EXPECT_EQ(price_of_call(pricing, usage, true), 0);  // the job costs a credit, its calls nothing

  pricing.mode = BudgetMode::consumption_usd;
  EXPECT_EQ(price_of_call(pricing, usage, false), kMicroPerCredit / 10);
  EXPECT_EQ(price_of_call(pricing, usage, true), kMicroPerCredit / 10);
  EXPECT_EQ(price_of_call(pricing, {.total_tokens = 25'000}, true), 7);  // without a known price: the flat one

  pricing.mode = BudgetMode::consumption_tokens;
  EXPECT_EQ(price_of_call(pricing, usage, true), 5 * kMicroPerCredit / 2);
}

TEST(Money, CreditsAsText) {
  EXPECT_EQ(credits_text(0), "0");
  EXPECT_EQ(credits_text(12 * kMicroPerCredit), "12");
  EXPECT_EQ(credits_text(3'000), "0.003");
  EXPECT_EQ(credits_text(1), "0.000001");
  EXPECT_EQ(credits_text(-1'500'000), "-1.5");
  EXPECT_EQ(credits_text(-1), "-0.000001");
}

TEST(Money, EveryModeHasASlug) {
  EXPECT_EQ(slug(BudgetMode::job_based), "job_based");
  EXPECT_EQ(slug(BudgetMode::consumption_usd), "consumption_usd");
  EXPECT_EQ(slug(BudgetMode::consumption_tokens), "consumption_tokens");
}

}  // namespace
}  // namespace saas_access
