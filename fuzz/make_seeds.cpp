// make_seeds FOLDER: small files of every kind, one folder for each target that reads petrify files.
#include "support/random_forest.hpp"

#include <petrify/file.hpp>
#include <petrify/record.hpp>
#include <petrify/writer.hpp>

#include "config_generated.h"

#include <filesystem>
#include <string>

using namespace petrify;
using namespace petrify::test;

namespace {

std::string folder;

template <class Fill>
void save(const std::string& target, const std::string& name, Fill fill) {
  std::filesystem::create_directories(folder + "/" + target);
  writer out(folder + "/" + target + "/" + name + ".stone");
  fill(out);
  out.commit();
}

template <element T>
void add_numbers(writer& out, const std::string& name) {
  const std::vector<T> values(6, T{});
  out.add<T>(name, std::span<const T>(values), {2, 3});
}

void add_arrays(writer& out) {
  add_numbers<std::int8_t>(out, "i1");
  add_numbers<std::uint16_t>(out, "u2");
  add_numbers<std::int64_t>(out, "i8");
  add_numbers<float>(out, "f4");
  add_numbers<double>(out, "f8");
}

output_spec numbers(std::uint32_t width, dtype type) {
  output_spec o;
  o.raw_width = width;
  o.value_type = type;
  return o;
}

output_spec classes(label_list labels, std::uint32_t width) {
  output_spec o;
  o.raw_width = width;
  o.labels = std::move(labels);
  return o;
}

forest_spec regression(compare_as comparisons, dtype type) {
  forest_spec spec;
  spec.task = task::regression;
  spec.comparisons = comparisons;
  spec.leaf_type = type;
  spec.accumulator = type;
  spec.outputs = {numbers(1, type)};
  return spec;
}

forest_spec classifier(label_list labels, std::uint32_t width) {
  forest_spec spec;
  spec.task = task::classification;
  spec.vector_leaves = true;
  spec.epilogue = {{epilogue_step::operation::divide, 3, 0}, {epilogue_step::operation::normalize, 0, 0}};
  spec.num_raw_steps = 1;
  spec.outputs = {classes(std::move(labels), width)};
  spec.decision = decision::argmax_raw;
  return spec;
}

void save_forest(const std::string& name, forest_spec spec, forest_shape shape) {
  std::mt19937_64 random(std::hash<std::string>()(name));
  if (shape.num_trees == forest_shape().num_trees)
    shape.num_trees = 3;
  if (shape.max_splits == forest_shape().max_splits)
    shape.max_splits = 6;
  shape.num_columns = 3;
  const naive_forest forest = random_forest(std::move(spec), shape, random);
  save("forest", name, [&](writer& out) { out.add("model", forest.build()); });
}

label_list integers(std::vector<std::int64_t> values, dtype type = dtype::int64) {
  label_list out;
  out.type = type;
  out.integers = std::move(values);
  return out;
}

void save_forests() {
  save_forest("inline", regression(compare_as::float32, dtype::float32), {});
  save_forest("scalar", regression(compare_as::float32, dtype::float64), {});
  save_forest("rank64", regression(compare_as::float64, dtype::float64), {});
  save_forest("stored_ids", regression(compare_as::float64, dtype::float32), {.preorder = false});
  save_forest("two_blocks", regression(compare_as::float32, dtype::float32), {.num_trees = 11, .max_splits = 2});
  save_forest("chain", regression(compare_as::float64, dtype::float64),
              {.num_trees = 1, .max_splits = 12, .chain = true});
  save_forest("no_trees", regression(compare_as::float64, dtype::float64), {.num_trees = 0});
  save_forest("integers", classifier(integers({-5, 3, 40}), 3), {});
  save_forest("booleans", classifier(integers({0, 1}, dtype::bool8), 2), {});
  label_list reals;
  reals.type = dtype::float64;
  reals.reals = {0.5, 1};
  save_forest("reals", classifier(reals, 2), {});
  label_list texts;
  texts.type = dtype::string;
  texts.texts = {"setosa", "", "virginica"};
  save_forest("texts", classifier(texts, 3), {});
  forest_spec binary = regression(compare_as::float32, dtype::float32);
  binary.task = task::classification;
  binary.outputs = {classes(integers({0, 1}), 1)};
  binary.start = {0.25};
  binary.epilogue = {{epilogue_step::operation::sigmoid, 1, 0}, {epilogue_step::operation::complement, 0, 0}};
  binary.decision = decision::cut_final;
  binary.cut = 0.5;
  save_forest("binary", binary, {});
  forest_spec softmax = regression(compare_as::float64, dtype::float64);
  softmax.task = task::classification;
  softmax.outputs = {classes(integers({1, 2, 3}), 3)};
  softmax.start = {0, 1, 2};
  softmax.epilogue = {{epilogue_step::operation::add, 0.5, 1}, {epilogue_step::operation::softmax, 0, 0}};
  softmax.num_raw_steps = 1;
  softmax.decision = decision::argmax_final;
  save_forest("softmax", softmax, {});
  forest_spec two = regression(compare_as::float32, dtype::float64);
  two.vector_leaves = true;
  two.outputs = {numbers(1, dtype::float64), numbers(2, dtype::float64)};
  two.epilogue = {{epilogue_step::operation::exp, 0, 0}};
  two.column_names = {"a", "b", "\xc3\xbc"};
  save_forest("two_outputs", two, {});
}

void save_values() {
  save("value", "scalars", [](writer& out) {
    out.add("null", value_builder().null());
    out.add("real", value_builder().real(1.5));
    out.add("text", value_builder().text("text"));
  });
  save("value", "nested", [](writer& out) {
    const std::array<std::byte, 9> big{std::byte{1}, {}, {}, {}, {}, {}, {}, {}, std::byte{1}};
    value_builder v;
    v.begin_dict();
    v.text("a").begin_list().integer(1).real(-0.0).boolean(true).null().end();
    v.text("b").begin_dict().text("").big_integer(big).integer(-7).bytes(big).end();
    v.begin_list().end().begin_list().begin_list().begin_dict().end().end().end();
    v.end();
    out.add("config", v);
  });
}

void save_records() {
  save("record", "config", [](writer& out) {
    flatbuffers::FlatBufferBuilder b;
    const std::vector<flatbuffers::Offset<user::Part>> parts{user::CreatePartDirect(b, "first", 0.25),
                                                             user::CreatePartDirect(b, "second", -1)};
    const auto inner = user::CreateConfigDirect(b, "inner");
    user::FinishConfigBuffer(b, user::CreateConfig(b, b.CreateString("outer"), 0.5, b.CreateVector(parts),
                                                   b.CreateVectorOfStrings({"a", "b"}),
                                                   b.CreateVector(std::vector<std::int64_t>{1, -2}), inner));
    add_record(out, "config", b);
  });
}

void save_arrays() {
  save("array", "numbers", add_arrays);
  save("array", "others", [](writer& out) {
    add_numbers<std::uint8_t>(out, "u1");
    add_numbers<std::int16_t>(out, "i2");
    add_numbers<std::uint32_t>(out, "u4");
    add_numbers<std::uint64_t>(out, "u8");
    add_numbers<std::int32_t>(out, "i4");
  });
  save("array", "texts", [](writer& out) {
    out.add("words", std::vector<std::string>{"a", "", "b\xc3\xbc", "word"});
    out.add("none", std::vector<std::string>());
  });
  save("array", "orders", [](writer& out) {
    const std::vector<double> values(24);
    out.add<double>("columns", std::span<const double>(values), {2, 3, 4}, axis_order::column_major);
    out.add<double>("one", std::span<const double>(values).first(1), {});
    out.add<double>("empty", std::span<const double>(values).first(0), {0, 3});
    out.add_fixed_bytes("items", 5, std::as_bytes(std::span(values)).first(15), std::array<std::uint64_t, 1>{3});
  });
}

} // namespace

int main(int argc, char** argv) try {
  if (argc != 2)
    return 2;
  folder = argv[1];
  save_arrays();
  save_values();
  save_records();
  save_forests();
  save("container", "empty", [](writer&) {});
  save("container", "mixed", [](writer& out) {
    add_arrays(out);
    std::mt19937_64 random(1);
    out.add("model", random_forest(regression(compare_as::float32, dtype::float32), {3, 2, 4}, random).build());
    out.add("words", std::vector<std::string>{"x", "yy"});
    out.add("value", value_builder().begin_list().integer(1).text("t").end());
  });
} catch (const std::exception& failure) {
  std::fprintf(stderr, "make_seeds: %s\n", failure.what());
  return 1;
}
