// Small files of every kind: seeds of the fuzz targets, and what the attacks begin with.
#pragma once

#include "support/random_forest.hpp"

#include <petrify/file.hpp>
#include <petrify/record.hpp>
#include <petrify/writer.hpp>

#include "config_generated.h"

#include <functional>
#include <memory>
#include <string>

namespace petrify::test {

// A small sound file: what is in it, and what it is called ("forest/rank64").
struct sample_file {
  std::string name;
  std::function<void(writer&)> fill;
  // Of a file with nothing but a forest, "model": what it was made of, to find rows that are hard for it.
  std::shared_ptr<const naive_forest> origin = nullptr;
};

namespace samples {

using list = std::vector<sample_file>;

template <element T>
void add_numbers(writer& out, const std::string& name) {
  const std::vector<T> values(6, T{});
  out.add<T>(name, std::span<const T>(values), {2, 3});
}

inline void add_arrays(writer& out) {
  add_numbers<std::int8_t>(out, "i1");
  add_numbers<std::uint16_t>(out, "u2");
  add_numbers<std::int64_t>(out, "i8");
  add_numbers<float>(out, "f4");
  add_numbers<double>(out, "f8");
}

inline output_spec numbers(std::uint32_t width, dtype type) {
  output_spec o;
  o.width = width;
  o.value_type = type;
  return o;
}

inline output_spec classes(label_list labels, std::uint32_t width) {
  output_spec o;
  o.width = width;
  o.labels = std::move(labels);
  return o;
}

inline forest_spec regression(compare_as comparisons, dtype type) {
  forest_spec spec;
  spec.task = task::regression;
  spec.comparisons = comparisons;
  spec.leaf_type = type;
  spec.accumulator = type;
  spec.outputs = {numbers(1, type)};
  return spec;
}

inline forest_spec classifier(label_list labels, std::uint32_t width) {
  forest_spec spec;
  spec.task = task::classification;
  spec.vector_leaves = true;
  spec.epilogue = {{epilogue_step::operation::divide, 3, 0}, {epilogue_step::operation::normalize, 0, 0}};
  spec.num_raw_steps = 1;
  spec.outputs = {classes(std::move(labels), width)};
  spec.decision = decision::argmax_raw;
  return spec;
}

inline void add_forest(list& all, const std::string& name, forest_spec spec, forest_shape shape) {
  std::mt19937_64 random(name.size() * 1000 + static_cast<unsigned char>(name[0]));
  if (shape.num_trees == forest_shape().num_trees)
    shape.num_trees = 3;
  if (shape.max_splits == forest_shape().max_splits)
    shape.max_splits = 6;
  shape.num_columns = 3;
  const auto forest = std::make_shared<const naive_forest>(random_forest(std::move(spec), shape, random));
  all.push_back({"forest/" + name, [forest](writer& out) { out.add("model", forest->build()); }, forest});
}

inline label_list integers(std::vector<std::int64_t> values, dtype type = dtype::int64) {
  label_list out;
  out.type = type;
  out.integers = std::move(values);
  return out;
}

inline void add_forests(list& all) {
  add_forest(all, "inline", regression(compare_as::float32, dtype::float32), {});
  add_forest(all, "scalar", regression(compare_as::float32, dtype::float64), {});
  add_forest(all, "rank64", regression(compare_as::float64, dtype::float64), {});
  add_forest(all, "stored_ids", regression(compare_as::float64, dtype::float32), {.numbers = numbering::random});
  add_forest(all, "paired_ids", regression(compare_as::float64, dtype::float32), {.numbers = numbering::pairs});
  add_forest(all, "two_blocks", regression(compare_as::float32, dtype::float32), {.num_trees = 11, .max_splits = 2});
  add_forest(all, "dense", regression(compare_as::float32, dtype::float64),
             {.num_trees = 70, .max_splits = 30, .max_depth = 3, .num_cuts = 20});
  add_forest(all, "dense_top", regression(compare_as::float32, dtype::float64),
             {.num_trees = 66, .max_splits = 200, .num_cuts = 20});
  add_forest(all, "chain", regression(compare_as::float64, dtype::float64),
             {.num_trees = 1, .max_splits = 12, .chain = true});
  add_forest(all, "no_trees", regression(compare_as::float64, dtype::float64), {.num_trees = 0});
  add_forest(all, "integers", classifier(integers({-5, 3, 40}), 3), {});
  add_forest(all, "booleans", classifier(integers({0, 1}, dtype::bool8), 2), {});
  label_list reals;
  reals.type = dtype::float64;
  reals.reals = {0.5, 1};
  add_forest(all, "reals", classifier(reals, 2), {});
  label_list texts;
  texts.type = dtype::string;
  texts.texts = {"setosa", "", "virginica"};
  add_forest(all, "texts", classifier(texts, 3), {});
  forest_spec binary = regression(compare_as::float32, dtype::float32);
  binary.task = task::classification;
  binary.outputs = {classes(integers({0, 1}), 1)};
  binary.start = {0.25};
  binary.epilogue = {{epilogue_step::operation::sigmoid, 1, 0}, {epilogue_step::operation::complement, 0, 0}};
  binary.decision = decision::cut_final;
  binary.cut = 0.5;
  add_forest(all, "binary", binary, {});
  forest_spec softmax = regression(compare_as::float64, dtype::float64);
  softmax.task = task::classification;
  softmax.outputs = {classes(integers({1, 2, 3}), 3)};
  softmax.start = {0, 1, 2};
  softmax.epilogue = {{epilogue_step::operation::add, 0.5, 1}, {epilogue_step::operation::softmax, 0, 0}};
  softmax.num_raw_steps = 1;
  softmax.decision = decision::argmax_final;
  add_forest(all, "softmax", softmax, {});
  forest_spec two = regression(compare_as::float32, dtype::float64);
  two.vector_leaves = true;
  two.outputs = {numbers(1, dtype::float64), numbers(2, dtype::float64)};
  two.epilogue = {{epilogue_step::operation::exp, 0, 0}};
  two.column_names = {"a", "b", "\xc3\xbc"};
  add_forest(all, "two_outputs", two, {});
  forest_spec sets = regression(compare_as::float64, dtype::float64);
  sets.categories = {{0, categories_as::listed, {1, 2, 4.5}, {{0, 2}}}, {1, categories_as::xgboost, {}, {}}};
  sets.dictionaries = {{0, {"red", "green", "blue"}}, {1, {"x"}}};
  sets.column_types = {"c", "c", "float"};
  sets.steps = {{row_step::operation::subtract, 2, 0.5, 0}, {row_step::operation::missing}};
  sets.best_iteration = 1;
  add_forest(all, "sets", sets, {.max_splits = 12});
  all.push_back(
      {"forest/golden", [](writer& out) {
         std::mt19937_64 random(12);
         const naive_forest naive = random_forest(regression(compare_as::float32, dtype::float32), {3, 3, 6}, random);
         forest_model model = naive.build();
         const std::vector<double> x = awkward_rows<double>(naive, 5, random);
         model.set_golden_rows(rows(x.data(), 5, 3));
         out.add("model", model);
       }});
  forest_spec linear = regression(compare_as::float64, dtype::float64);
  linear.linear_leaves = true;
  add_forest(all, "linear", linear, {});
  forest_spec median = regression(compare_as::float32, dtype::float64);
  median.combine = combine::weighted_median;
  add_forest(all, "median", median, {});
  forest_spec folded = classifier(integers({0, 1}), 2);
  folded.epilogue = {{epilogue_step::operation::divide, 3, 0},
                     {epilogue_step::operation::fold_pair, 0, 0},
                     {epilogue_step::operation::mirror, 0, 0},
                     {epilogue_step::operation::softmax, 0, 0}};
  folded.num_raw_steps = 2;
  folded.decision = decision::cut_raw;
  add_forest(all, "folded", folded, {});
}

inline void add_values(list& all) {
  all.push_back({"value/scalars", [](writer& out) {
                   out.add("null", value_builder().null());
                   out.add("real", value_builder().real(1.5));
                   out.add("text", value_builder().text("text"));
                 }});
  all.push_back({"value/nested", [](writer& out) {
                   const std::array<std::byte, 9> big{std::byte{1}, {}, {}, {}, {}, {}, {}, {}, std::byte{1}};
                   value_builder v;
                   v.begin_dict();
                   v.text("a").begin_list().integer(1).real(-0.0).boolean(true).null().end();
                   v.text("b").begin_dict().text("").big_integer(big).integer(-7).bytes(big).end();
                   v.begin_list().end().begin_list().begin_list().begin_dict().end().end().end();
                   v.end();
                   out.add("config", v);
                 }});
}

inline void add_records(list& all) {
  all.push_back({"record/config", [](writer& out) {
                   flatbuffers::FlatBufferBuilder b;
                   const std::vector<flatbuffers::Offset<user::Part>> parts{user::CreatePartDirect(b, "first", 0.25),
                                                                            user::CreatePartDirect(b, "second", -1)};
                   const auto inner = user::CreateConfigDirect(b, "inner");
                   user::FinishConfigBuffer(
                       b, user::CreateConfig(b, b.CreateString("outer"), 0.5, b.CreateVector(parts),
                                             b.CreateVectorOfStrings({"a", "b"}),
                                             b.CreateVector(std::vector<std::int64_t>{1, -2}), inner));
                   add_record(out, "config", b);
                 }});
}

inline void add_array_files(list& all) {
  all.push_back({"array/numbers", add_arrays});
  all.push_back({"array/others", [](writer& out) {
                   add_numbers<std::uint8_t>(out, "u1");
                   add_numbers<std::int16_t>(out, "i2");
                   add_numbers<std::uint32_t>(out, "u4");
                   add_numbers<std::uint64_t>(out, "u8");
                   add_numbers<std::int32_t>(out, "i4");
                 }});
  all.push_back({"array/texts", [](writer& out) {
                   out.add("words", std::vector<std::string>{"a", "", "b\xc3\xbc", "word"});
                   out.add("none", std::vector<std::string>());
                 }});
  all.push_back({"array/orders", [](writer& out) {
                   const std::vector<double> values(24);
                   out.add<double>("columns", std::span<const double>(values), {2, 3, 4}, axis_order::column_major);
                   out.add<double>("one", std::span<const double>(values).first(1), {});
                   out.add<double>("empty", std::span<const double>(values).first(0), {0, 3});
                   out.add_fixed_bytes("items", 5, std::as_bytes(std::span(values)).first(15),
                                       std::array<std::uint64_t, 1>{3});
                 }});
}

// An object of each kind, with attributes of each kind.
inline void add_with_attributes(writer& out) {
  add_numbers<float>(out, "temperature");
  add_numbers<float>(out, "plain");
  value_builder facts;
  facts.begin_dict();
  facts.text("unit").text("K");
  facts.text("axes").begin_list().text("time").text("\xc3\xa4").end();
  facts.text("scale").real(0.5);
  facts.text("count").integer(-3);
  facts.text("final").boolean(true);
  facts.text("note").null();
  facts.text("").begin_dict().integer(1).bytes(std::array<std::byte, 3>{std::byte{1}, {}, std::byte{255}}).end();
  std::array<std::byte, 9> seed{};
  seed.back() = std::byte{1};
  facts.text("seed").big_integer(seed);
  facts.end();
  out.set_attributes("temperature", facts);
  std::mt19937_64 random(2);
  out.add("model", random_forest(regression(compare_as::float32, dtype::float32), {3, 2, 4}, random).build());
  out.set_attributes("model", value_builder().begin_dict().text("source").text("a test").end());
  out.add("words", value_builder().text("x"));
  out.set_attributes("words", value_builder().begin_dict().text("language").null().end());
  flatbuffers::FlatBufferBuilder b;
  user::FinishConfigBuffer(b, user::CreateConfigDirect(b, "outer"));
  add_record(out, "config", b);
  out.set_attributes("config", value_builder().begin_dict().text("schema").text("config.fbs").end());
}

} // namespace samples

inline std::vector<sample_file> sample_files() {
  using namespace samples;
  list all;
  add_array_files(all);
  add_values(all);
  add_records(all);
  add_forests(all);
  all.push_back({"container/empty", [](writer&) {}});
  all.push_back(
      {"container/mixed", [](writer& out) {
         add_arrays(out);
         std::mt19937_64 random(1);
         out.add("model", random_forest(regression(compare_as::float32, dtype::float32), {3, 2, 4}, random).build());
         out.add("words", std::vector<std::string>{"x", "yy"});
         out.add("value", value_builder().begin_list().integer(1).text("t").end());
       }});
  all.push_back({"container/attributes", add_with_attributes});
  return all;
}

} // namespace petrify::test
