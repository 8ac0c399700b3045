#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace saas_access {

/// Millionths of a credit: the only unit in which credits are counted. Never a float.
using MicroCredits = std::int64_t;
inline constexpr MicroCredits kMicroPerCredit = 1'000'000;

/// Millionths of a millionth of a US dollar (1e-12 USD): every provider's price per token is a whole number of these.
using PicoDollars = std::int64_t;

/// The largest amount one entry or balance may hold: a trillion credits. Keeps every sum of two within 64 bits.
inline constexpr MicroCredits kMaxMicroCredits = 1'000'000'000'000 * kMicroPerCredit;

/// How a team is charged (http-api.md, "Credits").
enum class BudgetMode : std::uint8_t { job_based, consumption_usd, consumption_tokens };
[[nodiscard]] std::string_view slug(BudgetMode mode) noexcept;

/// Credits for people, in decimal without needless zeros: "12", "0.003", "-1.5".
[[nodiscard]] std::string credits_text(MicroCredits amount);

/// What one model call of a team is priced by; taken from the policy when the call is decided.
struct Pricing {
  BudgetMode mode = BudgetMode::job_based;
  MicroCredits credits_per_call = kMicroPerCredit;         ///< the alias's flat price
  MicroCredits credits_per_dollar = 10 * kMicroPerCredit;  ///< micro-credits for one dollar
  std::int64_t tokens_per_credit = 10'000;

  friend bool operator==(const Pricing&, const Pricing&) = default;
};

/// What a call used, as far as it is known.
struct Usage {
  std::int64_t total_tokens = 0;
  bool price_known = false;  ///< false: the model has no price, so consumption_usd falls back to the flat price
  PicoDollars cost = 0;      ///< meaningful only if price_known

  friend bool operator==(const Usage&, const Usage&) = default;
};

/// ceil(cost x rate), both non-negative, to the millionth of a credit. Exact (128-bit integers).
/// Throws Invalid on a negative argument or a result above kMaxMicroCredits.
MicroCredits credits_for_cost(PicoDollars cost, MicroCredits credits_per_dollar);

/// ceil(tokens / tokens_per_credit) to the millionth of a credit; tokens >= 0, tokens_per_credit >= 1. Throws as above.
MicroCredits credits_for_tokens(std::int64_t tokens, std::int64_t tokens_per_credit);

/// What a call with this usage costs on its own. `in_job`: a job_based team's calls inside a job cost nothing
/// themselves (the job costs one credit). The reservation is made with estimated usage, the settlement with real usage.
MicroCredits price_of_call(const Pricing& pricing, const Usage& usage, bool in_job);

}  // namespace saas_access
