#include "commands.hpp"
#include "feature_matrix.hpp"
#include "progress.hpp"
#include "words.hpp"

#include "base/fail.hpp"
#include "base/real_text.hpp"

#include <petrify/forest.hpp>
#include <petrify/npy.hpp>
#include <petrify/thread_pool.hpp>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <optional>

namespace petrify::cli {

namespace {

struct predict_arguments {
  std::string in;
  std::string x;
  output kind = output::predict;
  std::string name;
  std::string out;
  unsigned threads = 0;
};

// Rows predicted between two looks at the clock; enough for every thread.
constexpr std::size_t chunk_rows = 65536;

// ---- results as bytes of the origin's type, for .npy

template <class To, class From>
void put(std::vector<std::byte>& out, From value) {
  const auto converted = static_cast<To>(value);
  const auto* bytes = reinterpret_cast<const std::byte*>(&converted);
  out.insert(out.end(), bytes, bytes + sizeof converted);
}

void put_integer(std::vector<std::byte>& out, dtype type, std::int64_t value) {
  switch (type) {
  case dtype::bool8:
  case dtype::int8:
  case dtype::uint8: return put<std::uint8_t>(out, value);
  case dtype::int16:
  case dtype::uint16: return put<std::uint16_t>(out, value);
  case dtype::int32:
  case dtype::uint32: return put<std::uint32_t>(out, value);
  default: return put<std::int64_t>(out, value);
  }
}

void put_real(std::vector<std::byte>& out, dtype type, double value) {
  if (type == dtype::float32)
    put<float>(out, value);
  else
    put<double>(out, value);
}

// Takes the results of one chunk of rows after the other.
class sink {
public:
  sink(const forest& from, const predict_arguments& arguments) : forest_(from), kind_(arguments.kind) {}
  virtual ~sink() = default;
  virtual void numbers(std::span<const double> values) = 0;
  virtual void classes(std::span<const std::uint32_t> indices) = 0;
  virtual void leaves(std::span<const std::uint32_t> ids) = 0;
  virtual void finish(std::size_t num_rows) = 0;

protected:
  const forest& forest_;
  output kind_;
};

class text_sink : public sink {
public:
  using sink::sink;

  void numbers(std::span<const double> values) override {
    const bool is_float32 = number_type() == dtype::float32;
    print(values, [&](double x, std::size_t) { return is_float32 ? real_text(static_cast<float>(x)) : real_text(x); });
  }
  void classes(std::span<const std::uint32_t> indices) override {
    print(indices, [&](std::uint32_t index, std::size_t column) { return forest_.labels(column).text(index); });
  }
  void leaves(std::span<const std::uint32_t> ids) override {
    print(ids, [](std::uint32_t id, std::size_t) { return text(id); });
  }
  void finish(std::size_t) override { std::cout.flush(); }

private:
  dtype number_type() const { return kind_ == output::predict ? forest_.value_type() : forest_.score_type(); }

  // One row a line, its values separated by commas.
  template <class T, class Words>
  void print(std::span<const T> values, Words words) {
    const std::size_t width = std::max<std::size_t>(1, forest_.output_width(kind_));
    std::string lines;
    for (std::size_t i = 0; i < values.size(); ++i) {
      lines += words(values[i], i % width);
      lines += (i + 1) % width == 0 ? '\n' : ',';
    }
    std::cout << lines;
  }
};

class npy_sink : public sink {
public:
  npy_sink(const forest& from, const predict_arguments& arguments) : sink(from, arguments), path_(arguments.out) {}

  void numbers(std::span<const double> values) override {
    type_ = kind_ == output::predict ? forest_.value_type() : forest_.score_type();
    for (const double x : values)
      put_real(bytes_, type_, x);
  }
  void classes(std::span<const std::uint32_t> indices) override {
    // Of several outputs numpy has one type: the first one's, as the origin does.
    type_ = forest_.labels().type();
    for (std::size_t i = 0; i < indices.size(); ++i) {
      const class_labels labels = forest_.labels(i % forest_.num_outputs());
      if (type_ == dtype::string)
        texts_.push_back(labels.text(indices[i]));
      else if (type_ == dtype::float32 || type_ == dtype::float64)
        put_real(bytes_, type_, labels.as_real(indices[i]));
      else
        put_integer(bytes_, type_, labels.as_int(indices[i]));
    }
  }
  void leaves(std::span<const std::uint32_t> ids) override {
    type_ = dtype::int64;
    for (const std::uint32_t id : ids)
      put<std::int64_t>(bytes_, id);
  }
  void finish(std::size_t num_rows) override {
    const extents places(forest_.output_shape(kind_, num_rows));
    if (type_ != dtype::string)
      return write_npy(path_, any_array(type_, axis_order::row_major, places,
                                        static_cast<std::uint32_t>(size_bytes(type_)), bytes_, {}));
    std::vector<std::uint64_t> ends;
    std::string all;
    for (const std::string& one : texts_) {
      all += one;
      ends.push_back(all.size());
    }
    write_npy(path_, any_array(type_, axis_order::row_major, places, 0, std::as_bytes(std::span(ends)), all));
  }

private:
  std::string path_;
  dtype type_ = dtype::float64;
  std::vector<std::byte> bytes_;
  std::vector<std::string> texts_;
};

int predict(const predict_arguments& arguments) {
  const file from = file::open(arguments.in);
  const forest model = from.forest(forest_name(from, arguments.name));
  const feature_matrix x(arguments.x, model);
  std::unique_ptr<sink> to;
  if (arguments.out.empty())
    to = std::make_unique<text_sink>(model, arguments);
  else
    to = std::make_unique<npy_sink>(model, arguments);

  thread_pool pool(arguments.threads);
  const bool is_label = arguments.kind == output::predict && model.labels().size() != 0;
  {
    progress_bar bar("predicting");
    std::size_t first = 0;
    do { // also once for no rows at all, which tells the sink its type
      const std::size_t count = std::min(chunk_rows, x.num_rows() - first);
      const rows part = x.slice(first, count);
      if (is_label)
        to->classes(model.predict_class(part, pool));
      else if (arguments.kind == output::leaf)
        to->leaves(model.apply(part, pool));
      else if (arguments.kind == output::predict)
        to->numbers(model.predict(part, pool));
      else if (arguments.kind == output::proba)
        to->numbers(model.predict_proba(part, pool));
      else
        to->numbers(model.predict_raw(part, pool));
      first += count;
      bar.update("predicting", first, x.num_rows());
    } while (first < x.num_rows());
  }
  to->finish(x.num_rows());
  return 0;
}

} // namespace

void add_predict(CLI::App& app, action& chosen) {
  auto arguments = std::make_shared<predict_arguments>();
  CLI::App* command = app.add_subcommand("predict", "Predict rows of a .npy or .csv file with a forest");
  command->add_option("FILE", arguments->in, "petrify file")->required();
  command
      ->add_option("X", arguments->x,
                   ".npy file of shape (rows, columns), or .csv file with a header: columns are matched by name")
      ->required();
  static const std::map<std::string, output> outputs = {
      {"predict", output::predict}, {"proba", output::proba}, {"raw", output::raw}, {"leaf", output::leaf}};
  command
      ->add_option_function<std::string>(
          "--output", [arguments](const std::string& word) { arguments->kind = outputs.at(word); },
          "predict (default), proba, raw or leaf")
      ->check(CLI::IsMember({"predict", "proba", "raw", "leaf"}));
  command->add_option("--name", arguments->name, "the forest's name, when the file has several");
  command->add_option("--out", arguments->out, "write a .npy file with the origin's type instead of text");
  command->add_option("--threads", arguments->threads, "threads to compute on; as many as the machine has by default")
      ->check(CLI::Range(1u, 1024u));
  command->callback([&chosen, arguments] { chosen = [arguments] { return predict(*arguments); }; });
}

} // namespace petrify::cli
