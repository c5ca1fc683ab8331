// Files that Python wrote, against the .npy files beside them and against each other.
#include "import/decompress.hpp"
#include "import/npy.hpp"
#include "import/pickle.hpp"

#include <petrify/error.hpp>

#include <doctest/doctest.h>

#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::string_literals;
using petrify::byte_buffer;
using petrify::numpy_array;
using petrify::pickle::document;
using petrify::pickle::kind;
using petrify::pickle::value;
using petrify::pickle::walk;

namespace fs = std::filesystem;

const fs::path models = PETRIFY_TEST_DATA "/models";

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  CAPTURE(path.string());
  REQUIRE(file.good());
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// A file with its decoded bytes and its document.
class opened {
public:
  explicit opened(const fs::path& path) {
    const std::string raw = read(path);
    const auto bytes = std::as_bytes(std::span(raw));
    plain_ = petrify::decompress(petrify::detect_compression(bytes), bytes);
    document_ = std::make_unique<document>(petrify::pickle::parse(plain_.span()));
    CHECK(document_->size_bytes() == plain_.size());
  }
  value root() const { return document_->root(); }
  std::span<const std::byte> bytes() const { return plain_.span(); }

private:
  byte_buffer plain_;
  std::unique_ptr<document> document_;
};

std::string bytes_of(const byte_buffer& buffer) {
  return {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
}

// The value at "key-0-key" inside dicts, lists and tuples.
value at(value from, std::string_view path) {
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('-'), path.size());
    const std::string part(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
    if (from.is(kind::dict))
      from = from.find(part).value();
    else
      from = from[std::stoul(part)];
  }
  return from;
}

// Everything that a value holds as text, the same for the same Python object however it was pickled.
void print(const value& v, std::string& out, walk& steps) {
  const auto inside = steps.enter();
  out += to_string(v.kind());
  out += ' ';
  if (const auto number = v.as_int())
    out += std::to_string(*number);
  else if (const auto real = v.as_real())
    out += std::to_string(std::bit_cast<std::uint64_t>(*real));
  else if (const auto text = v.as_text())
    out += *text;
  else if (const auto bytes = v.as_bytes())
    out.append(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  out += v.class_name();
  if (const auto type = v.dtype())
    out += petrify::describe(*type);
  if (const auto array = v.as_array()) {
    for (const std::uint64_t extent : array->shape)
      out += " " + std::to_string(extent);
    if (!array->dtype->has_objects())
      out += bytes_of(petrify::to_native_bytes(*array));
  }
  out += " {";
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (v.is(kind::dict))
      print(v.key(i), out, steps);
    print(v[i], out, steps);
  }
  if (v.is(kind::object))
    for (const value& part : {v.args(), v.state(), v.items(), v.entries()})
      print(part, out, steps);
  out += "}\n";
}

std::string printed(const fs::path& path) {
  CAPTURE(path.string());
  const opened file(path);
  std::string out;
  walk steps(1'000'000);
  print(file.root(), out, steps);
  return out;
}

} // namespace

TEST_CASE("ArraysAreReadAsNumpyReadsThem") {
  std::size_t num_arrays = 0;
  for (const char* version : {"sklearn-1.2", "sklearn-1.3", "sklearn-1.4", "sklearn-1.9"})
    for (const auto& entry : fs::directory_iterator(models / version / "arrays")) {
      if (entry.path().extension() != ".npy")
        continue;
      const std::string stem = entry.path().stem().string();
      const std::string name = stem.substr(0, stem.find('-'));
      const std::string expected_bytes = read(entry.path());
      const numpy_array expected = petrify::parse_npy(std::as_bytes(std::span(expected_bytes)));
      for (const char* end : {".2.pkl", ".4.pkl", ".5.pkl", ".joblib", ".zlib.joblib"}) {
        const fs::path path = entry.path().parent_path() / (name + end);
        CAPTURE(path.string());
        const opened file(path);
        const value found =
            at(file.root(), stem.size() == name.size() ? "" : std::string_view(stem).substr(name.size() + 1));
        REQUIRE(found.is(kind::array));
        const numpy_array array = found.as_array().value();
        CHECK(array.shape == expected.shape);
        if (array.dtype->kind == 'U' || array.dtype->has_objects()) {
          CHECK(petrify::pickle::to_strings(found) == petrify::to_strings(expected));
        } else {
          CHECK(array.dtype->kind == expected.dtype->kind);
          CHECK(bytes_of(petrify::to_native_bytes(array)) == bytes_of(petrify::to_native_bytes(expected)));
        }
        ++num_arrays;
      }
    }
  CHECK(num_arrays > 500);
}

TEST_CASE("OneModelIsTheSameFromEveryKindOfFile") {
  for (const char* version : {"sklearn-1.2", "sklearn-1.3", "sklearn-1.4", "sklearn-1.9"}) {
    const fs::path folder = models / version / "containers";
    const std::string expected = printed(folder / "pickle-4.pkl");
    CHECK(expected.find("sklearn.ensemble._forest.RandomForestClassifier") != expected.npos);
    std::size_t num_files = 0;
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".pkl" && extension != ".joblib")
        continue;
      CAPTURE(entry.path().string());
      CHECK((printed(entry.path()) == expected));
      ++num_files;
    }
    CHECK(num_files >= 18);
  }
}

TEST_CASE("ArraysOfFilesAreViewsOfTheirBytes") {
  for (const char* name : {"sklearn-1.2/containers/pickle-5.pkl", "sklearn-1.9/containers/joblib-raw.joblib"}) {
    const opened file(models / name);
    const value trees = file.root().attr("estimators_").value();
    REQUIRE(trees.size() == 3);
    for (std::size_t i = 0; i < trees.size(); ++i) {
      const auto nodes = trees[i].attr("tree_")->attr("nodes")->as_array().value();
      CHECK(nodes.data.data() > file.bytes().data());
      CHECK(nodes.data.data() + nodes.data.size() < file.bytes().data() + file.bytes().size());
    }
  }
}

TEST_CASE("NodesOfTreesAreReadByFieldName") {
  for (const char* version : {"sklearn-1.2", "sklearn-1.3", "sklearn-1.9"}) {
    const opened file(models / version / "containers/joblib-raw.joblib");
    const value tree = file.root().attr("estimators_").value()[0].attr("tree_").value();
    CHECK(tree.class_name() == "sklearn.tree._tree.Tree");
    CHECK(tree.args()[0].as_int() == 4);
    const auto nodes = tree.attr("nodes")->as_array().value();
    const auto count = static_cast<std::uint64_t>(tree.attr("node_count")->as_int().value());
    REQUIRE(nodes.num_elements() == count);
    CHECK(nodes.dtype->item_size == (version == "sklearn-1.2"s ? 56 : 64));
    CHECK((nodes.dtype->find("missing_go_to_left") != nullptr) == (version != "sklearn-1.2"s));
    std::vector<std::int64_t> left(count), right(count);
    std::vector<double> threshold(count);
    petrify::numpy_column(nodes, "left_child").read(0, left);
    petrify::numpy_column(nodes, "right_child").read(0, right);
    petrify::numpy_column(nodes, "threshold").read(0, threshold);
    for (std::size_t i = 0; i < count; ++i) {
      CHECK((left[i] == -1) == (right[i] == -1));
      CHECK(left[i] < static_cast<std::int64_t>(count));
      CHECK((threshold[i] == -2) == (left[i] == -1));
    }
  }
}

TEST_CASE("GradientBoostingsTreesAreInANestedPickle") {
  const opened file(models / "ensembles-1.9/gbc_binary/model.joblib");
  const value trees = file.root().attr("estimators_").value();
  REQUIRE(trees.is(kind::array));
  CHECK(trees.as_array()->shape.size() == 2);
  REQUIRE(trees.size() > 0);
  CHECK(trees[0].class_name() == "sklearn.tree._classes.DecisionTreeRegressor");
  CHECK(trees[0].attr("tree_")->attr("nodes")->is(kind::array));
}

TEST_CASE("ValuesBesideArraysKeepTheirKind") {
  const opened file(models / "sklearn-1.9/arrays/mixed.4.pkl");
  const value dict = file.root();
  CHECK(dict.find("count")->as_int() == 3);
  CHECK(dict.find("title")->as_text() == "größe");
  CHECK(dict.find("nothing")->is_none());
  CHECK(dict.find("rate")->as_real() == 0.25);
  CHECK(dict.find("large")->is(kind::big_integer));
  CHECK(dict.find("scalar")->as_real() == 1.5);
}
