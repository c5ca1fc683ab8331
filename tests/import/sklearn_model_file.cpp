#include "import/sklearn_model_file.hpp"

#include "import/decompress.hpp"

#include <petrify/file.hpp>
#include <petrify/import.hpp>
#include <petrify/writer.hpp>

#include <bit>
#include <cmath>

namespace petrify::test {

namespace {

std::optional<error> import_error(const std::string& model) {
  const temp_dir dir;
  return error_of([&] {
    writer out(dir.path("model.stone"));
    import_bytes(std::as_bytes(std::span(model)), out);
    out.commit();
    for (const error& fault : file::open(dir.path("model.stone")).verify())
      throw fault;
  });
}

std::string plain(const std::string& path) {
  const std::vector<std::byte> bytes = read_bytes(path);
  const byte_buffer decoded = decompress(detect_compression(bytes), bytes, {});
  return {reinterpret_cast<const char*>(decoded.span().data()), decoded.size()};
}

} // namespace

void check_refused(const std::string& name, const std::string& model, std::string_view says) {
  CAPTURE(name);
  const auto failure = import_error(model);
  CHECK_MESSAGE(failure.has_value(), name << " was accepted");
  if (!failure)
    return;
  const std::string message = failure->what();
  CHECK_MESSAGE(message.find(says) != std::string::npos, message);
  CHECK_MESSAGE(message.find('\n') == std::string::npos, message);
  CHECK_MESSAGE((failure->code() == errc::not_importable || failure->code() == errc::invalid_argument ||
                 failure->code() == errc::malformed || failure->code() == errc::limit_exceeded ||
                 failure->code() == errc::truncated),
                message);
}

void check_accepted(const std::string& name, const std::string& model) {
  CAPTURE(name);
  const auto failure = import_error(model);
  CHECK_MESSAGE(!failure.has_value(), failure->what());
}

model_file::model_file(const std::string& name)
    : bytes_(plain(std::string(PETRIFY_TEST_DATA) + "/models/" + name)),
      document_(pickle::parse(std::as_bytes(std::span(bytes_)))) {
  CAPTURE(name);
  std::vector<pickle_editor::place> payloads;
  std::set<pickle::ref> seen;
  pickle::walk steps(10'000'000);
  collect(document_.root(), payloads, seen, steps);
  edit_ = std::make_unique<pickle_editor>(bytes_, payloads);
  check_accepted(name, bytes_);
}

void model_file::collect(const pickle::value& v, std::vector<pickle_editor::place>& to, std::set<pickle::ref>& seen,
                         pickle::walk& steps) const {
  const auto inside = steps.enter();
  if (!seen.insert(v.id()).second)
    return;
  if (const auto array = v.as_array(); array && !array->data.empty()) {
    const auto* const begin = reinterpret_cast<const char*>(array->data.data());
    if (begin >= bytes_.data() && begin < bytes_.data() + bytes_.size()) {
      const auto at = static_cast<std::size_t>(begin - bytes_.data());
      to.push_back({at, at + array->data.size()});
    }
  }
  for (std::size_t i = 0; i < v.size(); ++i)
    collect(v[i], to, seen, steps);
  if (v.is(pickle::kind::object))
    for (const pickle::value& part : {v.args(), v.state(), v.items()})
      collect(part, to, seen, steps);
}

std::string model_file::with_number(const numpy_array& array, const numpy_dtype& type, std::uint64_t element,
                                    std::uint64_t offset, double number) const {
  REQUIRE(element < array.num_elements());
  const auto* const begin = reinterpret_cast<const char*>(array.data.data());
  REQUIRE(begin >= bytes_.data());
  REQUIRE(begin < bytes_.data() + bytes_.size());
  const auto at = static_cast<std::size_t>(begin - bytes_.data()) +
                  static_cast<std::size_t>(element * array.dtype->item_size + offset);
  std::string data = type.kind != 'f'
                         ? pickled::bytes_of(static_cast<std::uint64_t>(static_cast<std::int64_t>(number)), 8)
                         : pickled::bytes_of(std::bit_cast<std::uint64_t>(number), 8);
  if (type.kind == 'f')
    REQUIRE(type.item_size == 8);
  return edit_->with_bytes(at, data.substr(0, type.item_size));
}

pickle::value attr(const pickle::value& object, std::string_view name) {
  CAPTURE(std::string(name));
  const auto found = object.attr(name);
  REQUIRE(found.has_value());
  return *found;
}

void check_all(const model_file& model, std::initializer_list<change> changes) {
  for (const change& one : changes)
    check_refused(one.name, model.with(one.path, one.program), one.says);
}

void check_common(const model_file& model) {
  using namespace pickled;
  check_all(
      model,
      {
          {"no features", {"n_features_in_"}, integer(0), "n_features_in_ is 0"},
          {"negative features", {"n_features_in_"}, integer(-3), "n_features_in_ is -3"},
          {"features that are a text", {"n_features_in_"}, text("4"), "n_features_in_ is text"},
          {"features that are 4.5", {"n_features_in_"}, real(4.5), "n_features_in_ is real"},
          {"a version that is none",
           {"_sklearn_version"},
           text("new"),
           "_sklearn_version is \"new\", expected a version"},
          {"a version of one number", {"_sklearn_version"}, text("1"), "_sklearn_version is \"1\", expected a version"},
          {"a negative version", {"_sklearn_version"}, text("-1.2"), "_sklearn_version is \"-1.2\""},
          {"a version that is a number", {"_sklearn_version"}, real(1.9), "_sklearn_version"},
          {"names of fewer columns", {"n_features_in_"}, "N", "n_features_in_ is none"},
      });
  if (!model.root().attr("estimators_features_")) // of subsets of more columns the origin predicts, too
    for (const std::int64_t more : {-1, 1})
      check_refused("other features",
                    model.with({"n_features_in_"}, integer(*attr(model.root(), "n_features_in_").as_int() + more)),
                    ", expected ");
  for (const char* name : {"n_features_in_", "_sklearn_version"})
    check_refused(std::string("without ") + name, model.without(name), name);
}

void check_tree(const model_file& model, const pickle::value& tree, const std::string& t, double num_features) {
  const pickle::value nodes = *tree.state().find("nodes");
  const numpy_array array = *nodes.as_array();
  const auto num_nodes = static_cast<double>(array.num_elements());
  const auto right = static_cast<double>(numpy_column(array, "right_child").integer(0));
  std::uint64_t leaf = 0;
  while (numpy_column(array, "left_child").integer(leaf) != -1)
    ++leaf;
  const std::string at_leaf = t + " node " + std::to_string(leaf) + ": ";
  const std::string at_root = t + " node 0: ";
  const std::vector<std::tuple<const char*, std::uint64_t, const char*, double, std::string>> changes = {
      {"a left child past the end", 0, "left_child", num_nodes, at_root + "child "},
      {"a left child of -2", 0, "left_child", -2, at_root + "child -2"},
      {"a left child of 2^40", 0, "left_child", 1099511627776.0, at_root + "child 1099511627776"},
      {"a left child of -1 only", 0, "left_child", -1, at_root + "child -1"},
      {"a right child of -1 only", 0, "right_child", -1, at_root + "child -1"},
      {"a left child that is the node", 0, "left_child", 0, t + " node 0: child 0 has another parent"},
      {"both children the same", 0, "left_child", right, t + " node 0: child "},
      {"a right child past the end", 0, "right_child", num_nodes, at_root + "child "},
      {"a child that is its ancestor", leaf - 1, "left_child", 0, "child 0 has another parent or is an ancestor"},
      {"a leaf with a left child", leaf, "left_child", 1, at_leaf + "child "},
      {"a leaf with a right child", leaf, "right_child", 1, at_leaf + "child -1"},
      {"a feature past the last", 0, "feature", num_features, at_root},
      {"a negative feature", 0, "feature", -2, at_root + "splits on feature -2"},
      {"a feature of 2^40", 0, "feature", 1099511627776.0, at_root + "splits on feature 1099511627776"},
      {"a threshold that is NaN", 0, "threshold", not_a_number, at_root + "threshold is NaN"},
  };
  for (const auto& [name, node, field, number, says] : changes)
    check_refused(name, model.with_field(nodes, node, field, number), says);
  // Nobody points to the nodes below a root that is a leaf.
  {
    const numpy_dtype::field* const left = array.dtype->find("left_child");
    const auto* const begin = reinterpret_cast<const char*>(array.data.data());
    const auto at = static_cast<std::size_t>(begin - model.bytes().data());
    std::string orphans = model.edit().with_bytes(at + left->offset, std::string(16, '\xff'));
    check_refused("orphans", orphans, t + " node 1: cannot be reached");
  }
  // Other finite thresholds and values are other models.
  check_accepted("another threshold", model.with_field(nodes, 0, "threshold", 1e300));
  check_accepted("an infinite threshold", model.with_field(nodes, 0, "threshold", infinity));
  if (array.dtype->find("missing_go_to_left") != nullptr)
    check_accepted("another side for missing values", model.with_field(nodes, 0, "missing_go_to_left", 1));
  const pickle::value values = *tree.state().find("values");
  const std::uint64_t first = leaf * (values.as_array()->num_elements() / array.num_elements());
  for (const double x : {not_a_number, infinity, -1e308})
    check_accepted("a value of " + std::to_string(x), model.with_element(values, first, x));
  // NaN among others is what numpy's argmax takes, and no comparison does.
  if (model.root().attr("classes_") && values.as_array()->shape[2] > 1)
    check_refused("a class of NaN", model.with_element(values, first + 1, not_a_number),
                  at_leaf + "the value of class 1 is NaN");
  check_refused("made for other classes", model.with_element(tree.args()[1], 0, 77), t + ": the tree's n_classes");
}

void check_tree_object(const model_file& model, const std::vector<std::string_view>& path, const std::string& t) {
  using namespace pickled;
  const pickle_editor::place tree = model.edit().at(path);
  const auto with = [&](std::string_view name, const std::string& program) {
    return model.edit().with(model.edit().entry(tree, name), program);
  };
  const std::vector<std::tuple<const char*, const char*, std::string, std::string>> changes = {
      {"no nodes", "nodes", array("f8", {0}, ""), t + ": the tree's nodes are "},
      {"nodes that are numbers", "nodes", reals({1, 2, 3}), t},
      {"nodes that are a text", "nodes", text("x"), t + ": the tree's nodes are text"},
      {"nodes of two axes", "nodes", array("f8", {1, 1}, std::string(8, 'x')), t + ": the tree's nodes are"},
      {"another node count", "node_count", integer(2), t + ": node_count is 2, expected "},
      {"a node count of none", "node_count", none(), t + ": node_count is none"},
      {"values of one axis", "values", reals({1, 2, 3}),
       t + ": the tree's values are an array of shape (3), expected shape ("},
      {"values of another length", "values", array("f8", {2, 1, 1}, std::string(16, '\0')),
       t + ": the tree's values are an array of shape (2, 1, 1), expected shape ("},
      {"values of float32", "values", array("f4", {2, 1, 1}, std::string(8, '\0')),
       t + ": the tree's values are array of <f4"},
      {"values that are none", "values", none(), t + ": the tree's values are none"},
  };
  for (const auto& [name, entry, program, says] : changes)
    check_refused(name, with(entry, program), says);
  for (const char* name : {"nodes", "values", "node_count"})
    check_refused(std::string("without ") + name, model.edit().without(tree, name),
                  t + ": the tree's state has no " + name);
  check_refused("another class", model.edit().with(tree, "csklearn.tree._tree\nLeaf\n)R"), t + ": tree_ is object");
  check_refused("none", model.edit().with(tree, none()), t + ": tree_ is none");
}

} // namespace petrify::test
