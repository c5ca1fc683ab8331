// The notebook's whole flow in C++: the iris data, a train and test split, a random forest trained by XGBoost's C API,
// handed over in memory, saved, mapped, and predicted from; its scores are compared with XGBoost's own.
//     train iris.csv iris.stone
#include <petrify/import.hpp>
#include <petrify/petrify.hpp>

#include <xgboost/c_api.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <numeric>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr std::size_t num_columns = 4;

struct table {
  std::vector<float> x; // num_columns a row
  std::vector<float> y; // the species' number
  std::size_t size() const { return y.size(); }
};

table read_iris(const char* path) {
  const std::array<std::string, 3> species{"setosa", "versicolor", "virginica"};
  std::ifstream in(path);
  std::string line;
  std::getline(in, line); // the header
  table out;
  while (std::getline(in, line)) {
    std::istringstream cells(line);
    std::string cell;
    for (std::size_t j = 0; j < num_columns && std::getline(cells, cell, ','); ++j)
      out.x.push_back(std::stof(cell));
    std::getline(cells, cell);
    out.y.push_back(static_cast<float>(std::find(species.begin(), species.end(), cell) - species.begin()));
  }
  if (out.size() != 150)
    throw std::runtime_error(std::string(path) + ": expected the 150 rows of the iris data");
  return out;
}

// A quarter of the rows for the test, chosen at random.
std::pair<table, table> split(const table& all) {
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), std::mt19937(42));
  std::pair<table, table> out;
  for (std::size_t i = 0; i < order.size(); ++i) {
    table& to = i < order.size() * 3 / 4 ? out.first : out.second;
    const float* row = all.x.data() + order[i] * num_columns;
    to.x.insert(to.x.end(), row, row + num_columns);
    to.y.push_back(all.y[order[i]]);
  }
  return out;
}

// ---- XGBoost's C API

void check(int status) {
  if (status != 0)
    throw std::runtime_error(XGBGetLastError());
}

struct free_matrix {
  void operator()(void* handle) const { XGDMatrixFree(handle); }
};
struct free_booster {
  void operator()(void* handle) const { XGBoosterFree(handle); }
};
using matrix = std::unique_ptr<void, free_matrix>;
using booster = std::unique_ptr<void, free_booster>;

matrix matrix_of(const table& from) {
  DMatrixHandle handle = nullptr;
  check(XGDMatrixCreateFromMat(from.x.data(), from.size(), num_columns, std::nanf(""), &handle));
  matrix out(handle);
  check(XGDMatrixSetFloatInfo(handle, "label", from.y.data(), from.size()));
  return out;
}

// A random forest is one round of boosting with many trees side by side.
booster train(const table& rows) {
  const matrix data = matrix_of(rows);
  DMatrixHandle handles[] = {data.get()};
  BoosterHandle handle = nullptr;
  check(XGBoosterCreate(handles, 1, &handle));
  booster out(handle);
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"objective", "multi:softprob"},
                                                                  {"num_class", "3"},
                                                                  {"num_parallel_tree", "100"},
                                                                  {"eta", "1"},
                                                                  {"subsample", "0.8"},
                                                                  {"colsample_bynode", "0.5"},
                                                                  {"seed", "42"},
                                                                  {"nthread", "1"}})
    check(XGBoosterSetParam(handle, name, value));
  check(XGBoosterUpdateOneIter(handle, 0, data.get()));
  return out;
}

std::vector<std::byte> bytes_of(const booster& model) {
  bst_ulong size = 0;
  const char* bytes = nullptr;
  check(XGBoosterSaveModelToBuffer(model.get(), R"({"format": "ubj"})", &size, &bytes));
  const auto* begin = reinterpret_cast<const std::byte*>(bytes);
  return {begin, begin + size};
}

std::vector<float> margins_of(const booster& model, const table& rows) {
  const matrix data = matrix_of(rows);
  const bst_ulong* shape = nullptr;
  bst_ulong axes = 0;
  const float* values = nullptr;
  check(XGBoosterPredictFromDMatrix(model.get(), data.get(),
                                    R"({"type": 1, "training": false, "iteration_begin": 0, "iteration_end": 0,
                                        "strict_shape": false})",
                                    &shape, &axes, &values));
  return {values, values + rows.size() * 3};
}

} // namespace

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fprintf(stderr, "usage: train iris.csv FILE.stone\n");
    return 2;
  }
  const auto [training, test] = split(read_iris(argv[1]));
  const booster model = train(training);

  petrify::writer out(argv[2]);
  petrify::import_bytes(bytes_of(model), out);
  out.commit();

  const auto file = petrify::file::open(argv[2]);
  const auto forest = file.forest("model");
  const petrify::rows rows(test.x.data(), test.size(), num_columns);
  const std::vector<double> labels = forest.predict(rows);
  std::size_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i)
    right += labels[i] == static_cast<double>(test.y[i]);
  std::printf("%zu trees, %zu of %zu test rows right\n", forest.num_trees(), right, labels.size());

  const std::vector<float> origin = margins_of(model, test);
  const std::vector<double> raw = forest.predict_raw(rows);
  const bool equal = std::equal(raw.begin(), raw.end(), origin.begin(), origin.end(), [](double a, float b) {
    return std::bit_cast<std::uint32_t>(static_cast<float>(a)) == std::bit_cast<std::uint32_t>(b);
  });
  std::printf("%zu scores %s XGBoost's bit for bit\n", raw.size(), equal ? "equal" : "DIFFER from");
  return equal && right * 10 >= labels.size() * 9 ? 0 : 1;
} catch (const std::exception& failure) {
  std::fprintf(stderr, "train: %s\n", failure.what());
  return 1;
}
