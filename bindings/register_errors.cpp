#include <pybind11/gil_safe_call_once.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <exception>
#include <new>
#include <utility>
#include <vector>

#include "register.hpp"
#include "saas_access/errors.hpp"

namespace py = pybind11;

namespace saas_access::python {
namespace {

struct ErrorClasses {
  py::object core_error;
  py::object not_found;
  py::object conflict;
  py::object precondition_failed;
  py::object invalid;
  py::object store_unavailable;
};

// A translator is a plain function pointer, so the classes it raises have to be reachable from here.
PYBIND11_CONSTINIT py::gil_safe_call_once_and_store<ErrorClasses> error_classes;

void raise_invalid(const py::object& type, const Invalid& error) {
  py::list problems;
  for (const auto& [field, problem] : error.problems()) problems.append(py::make_tuple(field, problem));
  const py::object raised = type(error.what());
  raised.attr("problems") = std::move(problems);
  PyErr_SetObject(type.ptr(), raised.ptr());
}

void translate(std::exception_ptr thrown) {
  const ErrorClasses& classes = error_classes.get_stored();
  const auto raise = [](const py::object& type, const std::exception& error) { py::set_error(type, error.what()); };
  try {
    std::rethrow_exception(std::move(thrown));
  } catch (const NotFound& error) {
    raise(classes.not_found, error);
  } catch (const Conflict& error) {
    raise(classes.conflict, error);
  } catch (const PreconditionFailed& error) {
    raise(classes.precondition_failed, error);
  } catch (const Invalid& error) {
    raise_invalid(classes.invalid, error);
  } catch (const StoreUnavailable& error) {
    raise(classes.store_unavailable, error);
  } catch (const py::error_already_set&) {
    throw;  // Python's own errors and pybind11's stay what they are, and so does a lack of memory
  } catch (const py::builtin_exception&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    raise(classes.core_error, error);
  }
}

py::object make_class(py::module_& module, const char* name, const py::object& base, const char* doc) {
  const std::string qualified = module.attr("__name__").cast<std::string>() + "." + name;
  auto made = py::reinterpret_steal<py::object>(
      PyErr_NewExceptionWithDoc(qualified.c_str(), doc, base.ptr(), /*dict=*/nullptr));
  if (!made) throw py::error_already_set();
  module.add_object(name, made);
  return made;
}

ErrorClasses make_classes(py::module_& module) {
  const auto exception = py::reinterpret_borrow<py::object>(PyExc_Exception);
  const py::object base = make_class(module, "CoreError", exception, "Base of everything the core raises.");
  return {
      .core_error = base,
      .not_found = make_class(module, "NotFound", base, "The thing an operation is about does not exist."),
      .conflict =
          make_class(module, "Conflict", base, "It exists already, is in use, or its state forbids the operation."),
      .precondition_failed =
          make_class(module, "PreconditionFailed", base, "The record was changed since the caller read it."),
      .invalid = make_class(module, "Invalid", base, "A document is malformed; `problems` lists (field, problem)."),
      .store_unavailable =
          make_class(module, "StoreUnavailable", base, "The database cannot be opened, read or written."),
  };
}

}  // namespace

void register_errors(py::module_& module) {
  error_classes.call_once_and_store_result([&] { return make_classes(module); });
  py::register_local_exception_translator(translate);
}

}  // namespace saas_access::python
