// The iris forest of tests/data, converted, and scikit-learn's word on what it predicts.
#pragma once

#include <petrify/import.hpp>
#include <petrify/npy.hpp>
#include <petrify/petrify.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

// Converts the forest into the file `path`, under the name "model", and compares its probabilities with
// scikit-learn's. Throws: std::runtime_error when they differ.
inline petrify::file make_iris(const std::string& path) {
  const std::string data = PETRIFY_BENCH_DATA "/models/iris/";
  petrify::writer out(path);
  petrify::import_file(data + "random_forest_model.pkl", out);
  out.commit();

  const auto file = petrify::file::open(path);
  const petrify::npy_file test_rows(data + "X_test.npy");
  const petrify::npy_file expected(data + "probabilities.npy");
  const auto x = test_rows.array().as<double>();
  const auto probabilities = file.forest("model").predict_proba(
      petrify::rows(x.data(), x.shape()[0], x.shape()[1], x.strides()[0], x.strides()[1]));
  if (!std::ranges::equal(probabilities, expected.array().as<double>().elements()))
    throw std::runtime_error("the iris forest does not predict what scikit-learn does");
  return file;
}

} // namespace bench
