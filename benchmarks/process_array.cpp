#include "process.hpp"

#include "array_contenders.hpp"
#include "array_sums.hpp"
#include "raw_files.hpp"

#include <filesystem>
#include <memory>
#include <system_error>

#include <unistd.h>

namespace bench {

namespace {

using opened = std::unique_ptr<open_array>;

const array_contender& contender_of(const process_request& request) {
  const array_contender* found = find_contender(request.contender);
  if (found == nullptr)
    throw usage_error("contender " + request.contender + ", expected one of those that --help lists");
  return *found;
}

void require_applicable(const array_contender& contender, std::uint64_t size_bytes) {
  if (const auto reason = contender.why_not(size_bytes))
    throw not_applicable(*reason);
}

void make(const process_request& request, json& record) {
  const array_contender& contender = contender_of(request);
  if (!request.floats || *request.floats > (std::uint64_t{1} << 50))
    throw usage_error("make needs --floats N, at most 2^50");
  std::vector<std::uint64_t> shape{*request.floats};
  if (request.row_floats) {
    if (*request.row_floats == 0 || *request.floats % *request.row_floats != 0)
      throw usage_error("--floats " + std::to_string(*request.floats) + " is no multiple of --row-floats " +
                        std::to_string(*request.row_floats));
    shape = {*request.floats / *request.row_floats, *request.row_floats};
  }
  record["bytes"] = *request.floats * sizeof(float);
  require_applicable(contender, *request.floats * sizeof(float));
  const resources used;
  const stopwatch watch;
  contender.save(request.file, sample_source(shape), durability::unsynced);
  record["seconds"] = watch.elapsed();
  sync_file(request.file);
  record["durable_s"] = watch.elapsed();
  record["file_bytes"] = std::filesystem::file_size(request.file);
  used.add_to(record);
}

// Elements of a row: of the file's shape where it has rank 2, else as the caller says.
std::size_t row_floats_of(const open_array& array, const process_request& request) {
  const auto shape = array.shape();
  std::uint64_t length = shape.size() == 2 ? shape[1] : request.row_floats.value_or(0);
  if (length == 0)
    throw usage_error(request.file + " has rank " + std::to_string(shape.size()) + ": needs --row-floats N");
  if (request.row_floats.value_or(length) != length || array.elements().size() % length != 0)
    throw usage_error("--row-floats " + std::to_string(request.row_floats.value_or(length)) +
                      " does not fit the file's shape");
  return static_cast<std::size_t>(length);
}

// The place that was asked for, or the middle.
std::size_t index_below(std::size_t end, const process_request& request) {
  const std::uint64_t index = request.index.value_or(end / 2);
  if (index >= end)
    throw usage_error("--index " + std::to_string(index) + ", expected less than " + std::to_string(end));
  return static_cast<std::size_t>(index);
}

void first_element(const array_contender& contender, const process_request& request, json& record) {
  // The time ends before the array goes; only one of them is there at a time.
  const auto run = [&](float& element) {
    const stopwatch watch;
    const opened array = contender.open(request.file);
    element = array->elements()[index_below(array->elements().size(), request)];
    const double time = watch.elapsed();
    record["bytes"] = array->elements().size_bytes();
    return time;
  };
  const resources used;
  float answer = 0;
  record["first_s"] = run(answer);
  run_again(record, request.seconds, [&] {
    float element = 0;
    const double time = run(element);
    if (element != answer)
      throw std::runtime_error(request.file + ": the element differs from the first one read");
    return time;
  });
  record["answer"] = static_cast<double>(answer);
  used.add_to(record);
}

void open_and(const array_contender& contender, const process_request& request, json& record) {
  const std::string& question = request.question;
  const resources used;
  const stopwatch watch;
  const opened array = contender.open(request.file);
  record["open_s"] = watch.elapsed();
  const auto values = array->elements();
  record["bytes"] = values.size_bytes();
  json answer;
  if (question == "row") {
    const std::size_t width = row_floats_of(*array, request);
    const std::size_t row = index_below(values.size() / width, request);
    const stopwatch reading;
    answer = sum_of(values.subspan(row * width, width));
    record["row_s"] = reading.elapsed();
  } else if (question == "columns") {
    const std::size_t width = row_floats_of(*array, request);
    if (width < 4)
      throw usage_error("columns needs rows of at least 4 elements, not of " + std::to_string(width));
    const stopwatch reading;
    answer = sum_of_four_columns(values, width);
    record["columns_s"] = reading.elapsed();
  } else if (question == "halves") {
    // Of an array of 4 GiB the sum of all depends on its order: it passes 2^53.
    const auto shape = array->shape();
    const std::size_t rows = shape.empty() || shape[0] == 0 ? 1 : static_cast<std::size_t>(shape[0]);
    const std::size_t half = rows / 2 * (values.size() / rows);
    answer = {sum_of(values.first(half)), sum_of(values.subspan(half))};
  } else {
    const stopwatch reading;
    answer = sum_of(values);
    record["scan_s"] = reading.elapsed();
  }
  record["answer"] = answer;
  used.add_to(record);
  if (question != "hold")
    return;
  record["ready"] = true;
  print_record(record);
  char ignored[256];
  while (::read(STDIN_FILENO, ignored, sizeof ignored) > 0)
    ;
}

} // namespace

void answer_array_question(const process_request& request, json& record) {
  if (request.question == "make")
    return make(request, record);
  const array_contender& contender = contender_of(request);
  std::error_code missing; // is reported by open, in its own words
  if (const auto size = std::filesystem::file_size(request.file, missing); !missing)
    require_applicable(contender, size);
  if (request.question == "first")
    return first_element(contender, request, record);
  open_and(contender, request, record);
}

} // namespace bench
