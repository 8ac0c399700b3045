#include "saas_access/money.hpp"

#include <cstdlib>

#include "saas_access/errors.hpp"

namespace saas_access {

namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::int64_t kPicoPerDollar = 1'000'000'000'000;

std::uint64_t require_at_least(std::int64_t least, std::int64_t value, const char* field) {
  if (value < least) {
    throw Invalid(field, "'" + std::to_string(value) + "' is less than " + std::to_string(least));
  }
  return static_cast<std::uint64_t>(value);
}

MicroCredits ceil_divide(Wide dividend, std::uint64_t divisor, const char* field) {
  const Wide quotient = (dividend + (divisor - 1)) / divisor;
  if (quotient > static_cast<Wide>(kMaxMicroCredits)) {
    throw Invalid(field, "comes to more than " + credits_text(kMaxMicroCredits) + " credits");
  }
  return static_cast<MicroCredits>(quotient);
}

}  // namespace

std::string_view slug(BudgetMode mode) noexcept {
  switch (mode) {
    case BudgetMode::job_based:
      return "job_based";
    case BudgetMode::consumption_usd:
      return "consumption_usd";
    case BudgetMode::consumption_tokens:
      return "consumption_tokens";
  }
  std::abort();  // no such mode can be made without a cast
}

std::string credits_text(MicroCredits amount) {
  std::string text = std::to_string(amount / kMicroPerCredit);
  if (amount < 0 && text == "0") text = "-0";
  const MicroCredits rest = std::abs(amount % kMicroPerCredit);
  if (rest == 0) return text;
  std::string decimals = std::to_string(kMicroPerCredit + rest);
  decimals.front() = '.';
  decimals.erase(decimals.find_last_not_of('0') + 1);
  return text + decimals;
}

MicroCredits credits_for_cost(PicoDollars cost, MicroCredits credits_per_dollar) {
  const Wide product = static_cast<Wide>(require_at_least(0, cost, "cost")) *
                       require_at_least(0, credits_per_dollar, "credits_per_dollar");
  return ceil_divide(product, kPicoPerDollar, "cost");
}

MicroCredits credits_for_tokens(std::int64_t tokens, std::int64_t tokens_per_credit) {
  const Wide product = static_cast<Wide>(require_at_least(0, tokens, "total_tokens")) * kMicroPerCredit;
  return ceil_divide(product, require_at_least(1, tokens_per_credit, "tokens_per_credit"), "total_tokens");
}

MicroCredits price_of_call(const Pricing& pricing, const Usage& usage, bool in_job) {
  switch (pricing.mode) {
    case BudgetMode::job_based:
      return in_job ? 0 : pricing.credits_per_call;
    case BudgetMode::consumption_usd:
      return usage.price_known ? credits_for_cost(usage.cost, pricing.credits_per_dollar) : pricing.credits_per_call;
    case BudgetMode::consumption_tokens:
      return credits_for_tokens(usage.total_tokens, pricing.tokens_per_credit);
  }
  std::abort();  // no such mode can be made without a cast
}

}  // namespace saas_access
