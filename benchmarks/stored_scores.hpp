// Scores that a library gave for its model, kept in a .npy file.
#pragma once

#include <petrify/npy.hpp>

#include <string>
#include <vector>

namespace bench {

// As float64, whatever float type the library gave them.
inline std::vector<double> scores_in(const std::string& path) {
  const petrify::npy_file stored(path);
  const petrify::any_array& array = stored.array();
  std::vector<double> out;
  out.reserve(array.size());
  if (array.type() == petrify::dtype::float32)
    for (const float x : array.as<float>().elements())
      out.push_back(static_cast<double>(x));
  else
    for (const double x : array.as<double>().elements())
      out.push_back(x);
  return out;
}

} // namespace bench
