// Amounts, prices and usages of any size, against arithmetic that can't overflow.

#include "saas_access/money.hpp"

#include <optional>

#include "audit_json.hpp"
#include "fuzzing.hpp"
#include "saas_access/errors.hpp"

namespace saas_access::fuzz {

std::vector<std::string> seeds() {
  return {std::string("\x01\x80\x05\x90\x07\xA0", 6), std::string(40, '\x8A'), std::string(40, '\xFF')};
}

namespace {

__extension__ using Wide = __int128;

MicroCredits amount_of(const std::string& text) {
  const bool negative = text.starts_with('-');
  const std::size_t point = text.find('.');
  std::string digits = text.substr(negative ? 1 : 0, point - (negative ? 1 : 0));
  const std::string decimals = point == std::string::npos ? "" : text.substr(point + 1);
  require(decimals.size() <= 6 && (point == std::string::npos || (!decimals.empty() && decimals.back() != '0')),
          "no needless zeros");
  digits += decimals + std::string(6 - decimals.size(), '0');
  Wide amount = 0;
  for (const char digit : digits) amount = amount * 10 + (digit - '0');
  return static_cast<MicroCredits>(negative ? -amount : amount);
}

template <class Work>
std::optional<MicroCredits> unless_invalid(Work&& work) {
  try {
    return work();
  } catch (const Invalid&) {
    return std::nullopt;
  }
}

/// `price` is product / divisor rounded up, or absent where that is too much.
void check_price(const std::optional<MicroCredits>& price, Wide product, Wide divisor) {
  if (!price) return require(product > Wide{kMaxMicroCredits} * divisor, "only what is too much has no price");
  require(*price >= 0 && *price <= kMaxMicroCredits, "a price is within the limits");
  require(*price * divisor >= product && (*price - Wide{1}) * divisor < product, "a price is rounded up, exactly");
}

}  // namespace
}  // namespace saas_access::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace saas_access;
  using namespace saas_access::fuzz;
  Input input(data, size);
  while (!input.done()) {
    const std::int64_t quantity = input.number();
    const std::int64_t rate = input.number();
    require(amount_of(credits_text(quantity)) == quantity, "an amount's text is the amount");
    require(credits_json(quantity).is_number(), "an amount is a number in JSON");

    const auto by_cost = unless_invalid([&] { return credits_for_cost(quantity, rate); });
    if (quantity < 0 || rate < 0) {
      require(!by_cost, "nothing negative has a price");
    } else {
      check_price(by_cost, Wide{quantity} * rate, Wide{1'000'000'000'000});
    }
    const auto by_tokens = unless_invalid([&] { return credits_for_tokens(quantity, rate); });
    if (quantity < 0 || rate < 1) {
      require(!by_tokens, "nothing negative has a price, and no division by zero");
    } else {
      check_price(by_tokens, Wide{quantity} * kMicroPerCredit, Wide{rate});
    }
    const Pricing pricing{static_cast<BudgetMode>(input.pick(3)), 7, rate, rate};
    const Usage usage{quantity, input.flag(), quantity};
    const bool in_job = input.flag();
    const auto price = unless_invalid([&] { return price_of_call(pricing, usage, in_job); });
    if (pricing.mode == BudgetMode::job_based) require(price == (in_job ? 0 : 7), "the flat price");
    if (pricing.mode == BudgetMode::consumption_usd)
      require(price == (usage.price_known ? by_cost : 7), "the dollar price");
    if (pricing.mode == BudgetMode::consumption_tokens) require(price == by_tokens, "the token price");
  }
  return 0;
}
