#include "process.hpp"

#include "naive_stream.hpp"

#include <petrify/petrify.hpp>

#include <filesystem>
#include <fstream>

namespace bench {

namespace {

naive::transfer transfer_of(const process_request& request) {
  if (request.contender == "naive_bulk")
    return naive::transfer::in_bulk;
  if (request.contender == "naive_elements")
    return naive::transfer::by_element;
  throw usage_error("contender " + request.contender + ", expected petrify, naive_bulk or naive_elements");
}

void require_width(std::size_t num_columns, const process_request& request) {
  if (request.row.size() != num_columns)
    throw usage_error("--row has " + std::to_string(request.row.size()) + " values, expected " +
                      std::to_string(num_columns));
}

void make_forest(const process_request& request, json& record) {
  const naive::transfer how = transfer_of(request);
  if (request.from.empty())
    throw usage_error("make-forest needs --from FILE.stone");
  const auto source = petrify::file::open(request.from);
  naive::forest plain;
  try {
    plain = naive::copy_of(source.forest("model"));
  } catch (const std::invalid_argument& reason) {
    throw not_applicable(reason.what());
  }
  const resources used;
  const stopwatch watch;
  {
    std::ofstream out;
    out.exceptions(std::ios::badbit | std::ios::failbit);
    out.open(request.file, std::ios::binary);
    naive::save(out, plain, how);
    out.close();
  }
  record["seconds"] = watch.elapsed();
  record["file_bytes"] = std::filesystem::file_size(request.file);
  used.add_to(record);
}

// Times of one opening and one prediction, both since the start, and what it gave.
struct prediction {
  double open_s = 0;
  double first_s = 0;
  std::vector<double> answer;
};

prediction predict_mapped(const process_request& request) {
  const stopwatch watch;
  const auto file = petrify::file::open(request.file);
  const petrify::forest forest =
      file.forest("model", request.is_trusted ? petrify::trust::caller : petrify::trust::nothing);
  prediction out;
  out.open_s = watch.elapsed();
  require_width(forest.num_columns(), request);
  const petrify::row_view row(request.row);
  if (request.output == "proba")
    out.answer = forest.predict_proba(row);
  else if (request.output == "predict")
    out.answer = forest.predict(row);
  else
    out.answer = forest.predict_raw(row);
  out.first_s = watch.elapsed();
  return out;
}

prediction predict_plain(const process_request& request) {
  const naive::transfer how = transfer_of(request);
  const std::vector<float> row(request.row.begin(), request.row.end());
  const stopwatch watch;
  std::ifstream in(request.file, std::ios::binary);
  if (!in.is_open())
    throw std::runtime_error(request.file + ": cannot be opened");
  const naive::forest forest = naive::load_forest(in, how);
  prediction out;
  out.open_s = watch.elapsed();
  require_width(forest.num_columns, request);
  out.answer = forest.predict_proba(row);
  out.first_s = watch.elapsed();
  return out;
}

void first_prediction(const process_request& request, json& record) {
  if (request.row.empty())
    throw usage_error("first-prediction needs --row VALUE,VALUE,...");
  const bool is_mapped = request.contender == "petrify";
  if (!is_mapped && request.output == "predict")
    throw not_applicable("the plain forest gives the mean of its leaves, which is --output raw or proba");
  const auto run = [&] { return is_mapped ? predict_mapped(request) : predict_plain(request); };
  record["bytes"] = std::filesystem::file_size(request.file);
  const resources used;
  const prediction first = run();
  record["open_s"] = first.open_s;
  record["first_s"] = first.first_s;
  run_again(record, request.seconds, [&] {
    const prediction one = run();
    if (one.answer != first.answer)
      throw std::runtime_error(request.file + ": the prediction differs from the first one");
    return one.first_s;
  });
  record["answer"] = first.answer;
  used.add_to(record);
}

} // namespace

void answer_forest_question(const process_request& request, json& record) {
  if (request.question == "make-forest")
    return make_forest(request, record);
  first_prediction(request, record);
}

} // namespace bench
