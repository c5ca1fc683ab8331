// model_files: a model of make_engine_models.py with its rows, its origin's scores, and what was made of it for peers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace compare {

struct model_files {
  // Reads rows and scores. Throws: petrify::error; std::runtime_error when they do not fit each other.
  model_files(const std::filesystem::path& directory, const std::string& name);

  // "DIRECTORY/NAME" + extension.
  std::string path(const std::string& extension) const { return base + extension; }
  bool has(const std::string& extension) const { return std::filesystem::exists(path(extension)); }
  const float* row(std::size_t i) const { return values.data() + i * num_columns; }

  std::string name;
  std::string base;
  std::size_t num_rows = 0;
  std::size_t num_columns = 0;
  std::size_t width = 0; // scores a row
  // Row-major. Every NaN has all bits set: generated code of tl2cgen knows missing values by that.
  std::vector<float> values;
  std::vector<double> scores; // the origin's, which are float32 in some
};

} // namespace compare
