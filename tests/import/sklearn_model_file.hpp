// What the tests share that make parts of a scikit-learn model wrong: a fixture that can be edited, and the parts that
// many models have.
#pragma once

#include "import/pickle.hpp"
#include "support/pickle_editor.hpp"
#include "support/support.hpp"

#include <initializer_list>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::test {

inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
inline constexpr double infinity = std::numeric_limits<double>::infinity();

// Imports the bytes. Refused: one line that contains `says`, with a code for bad models.
void check_refused(const std::string& name, const std::string& model, std::string_view says);
// Accepted: the file that is made opens and passes verify.
void check_accepted(const std::string& name, const std::string& model);

// A fixture, decompressed, with an editor for it.
class model_file {
public:
  // `name`: below tests/data/models.
  explicit model_file(const std::string& name);
  model_file(const model_file&) = delete;
  model_file& operator=(const model_file&) = delete;

  pickle::value root() const { return document_.root(); }
  const pickle_editor& edit() const { return *edit_; }
  const std::string& bytes() const { return bytes_; }

  // One attribute of the model (or along a path) as `program` makes it.
  std::string with(const std::vector<std::string_view>& path, const std::string& program) const {
    return edit_->with(edit_->at(path), program);
  }
  std::string without(std::string_view name) const { return edit_->without(edit_->all(), name); }

  // One number of an array whose elements are in the file.
  std::string with_element(const pickle::value& array, std::uint64_t element, double number) const {
    return with_number(*array.as_array(), *array.dtype(), element, 0, number);
  }
  // A field of a record.
  std::string with_field(const pickle::value& nodes, std::uint64_t node, std::string_view name, double number) const {
    const numpy_array array = *nodes.as_array();
    const numpy_dtype::field* const field = array.dtype->find(name);
    REQUIRE(field != nullptr);
    return with_number(array, field->dtype, node, field->offset, number);
  }

private:
  // The places of all arrays' elements that are in the file.
  void collect(const pickle::value& v, std::vector<pickle_editor::place>& to, std::set<pickle::ref>& seen,
               pickle::walk& steps) const;
  std::string with_number(const numpy_array& array, const numpy_dtype& type, std::uint64_t element,
                          std::uint64_t offset, double number) const;

  std::string bytes_;
  pickle::document document_;
  std::unique_ptr<pickle_editor> edit_;
};

// An attribute, which must be there.
pickle::value attr(const pickle::value& object, std::string_view name);

// One attribute made wrong, and what the error says.
struct change {
  const char* name;
  std::vector<std::string_view> path;
  std::string program;
  const char* says;
};
void check_all(const model_file& model, std::initializer_list<change> changes);

// The attributes that every model has.
void check_common(const model_file& model);
// The fields of a tree_ that errors call `t`, of a model that tests `num_features` features. Its root is a split, and
// its nodes are in the order of a walk.
void check_tree(const model_file& model, const pickle::value& tree, const std::string& t, double num_features);
// What a tree_ says beside its nodes. `path` leads to it.
void check_tree_object(const model_file& model, const std::vector<std::string_view>& path, const std::string& t);

} // namespace petrify::test
