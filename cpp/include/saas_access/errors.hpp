#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace saas_access {

/// Base of everything the core throws. `what()` is a sentence for an operator: it names the bad value, never a secret.
/// A refused model call is not an error: it is a Decision.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The thing an operation is about (named by the caller as its subject, not inside a document) does not exist.
class NotFound : public Error {
 public:
  using Error::Error;
};

/// It exists already, is still in use, or is in a state that does not allow the operation.
class Conflict : public Error {
 public:
  using Error::Error;
};

/// The record was changed since the caller read it (`WriteOptions::if_revision`).
class PreconditionFailed : public Error {
 public:
  using Error::Error;
};

/// A value is missing, malformed, out of range, or names something absent. Lists every problem, not only the first.
class Invalid : public Error {
 public:
  struct Problem {
    std::string field;    ///< as the caller's document names it: "model_aliases", "credits_allocated"
    std::string problem;  ///< "model alias 'x' does not exist"
  };

  explicit Invalid(std::vector<Problem> problems) : Error(join(problems)), problems_(std::move(problems)) {}
  Invalid(std::string field, std::string problem)
      : Invalid(std::vector<Problem>{{std::move(field), std::move(problem)}}) {}

  [[nodiscard]] const std::vector<Problem>& problems() const noexcept { return problems_; }

 private:
  static std::string join(const std::vector<Problem>& problems);

  std::vector<Problem> problems_;
};

/// The store cannot be opened, read or written: corrupt, read-only, full, locked for too long, of a newer schema.
/// `what()` names the file and the cause. Nothing was changed.
class StoreUnavailable : public Error {
 public:
  using Error::Error;
};

}  // namespace saas_access
