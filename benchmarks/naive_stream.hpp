// What people write by hand when they need a forest or an array in a file: plain structs, saved to and loaded from a
// std::iostream in binary. The yardstick for petrify, so it is meant to be good code of its kind: contiguous nodes,
// no text, memory reserved before it is filled. It trusts its files, which makes it faster than it ought to be.
#pragma once

#include <petrify/forest.hpp>

#include <cstdint>
#include <iosfwd>
#include <span>
#include <vector>

namespace naive {

// How values cross the stream; the bytes are the same either way.
enum class transfer {
  by_element, // istream::read / ostream::write for each scalar, in binary: no operator<<, which would print text
  in_bulk,    // one read or write for each vector
};

struct node {
  std::int32_t left = -1; // index in tree::nodes; -1: a leaf
  std::int32_t right = -1;
  std::uint32_t column = 0;
  float threshold = 0;      // a row goes left when its value is <= threshold
  std::uint32_t values = 0; // a leaf: where its vector begins in tree::values
};

struct tree {
  std::vector<node> nodes; // the root first
  std::vector<double> values;
};

// A random forest: the mean of its trees' leaf vectors, added in order in float64.
struct forest {
  std::uint32_t num_columns = 0;
  std::uint32_t num_classes = 0; // values in a leaf vector
  std::vector<tree> trees;

  // Class probabilities of one row without NaN.
  std::vector<double> predict_proba(std::span<const float> row) const;
};

struct array {
  std::vector<std::uint64_t> shape;
  std::vector<float> elements;
};

// A stream that fails makes all of these throw std::ios_base::failure.
void save(std::ostream& out, const forest& model, transfer how);
void save(std::ostream& out, const array& values, transfer how);
forest load_forest(std::istream& in, transfer how);
array load_array(std::istream& in, transfer how);

// The same forest as plain structs. Predictions are equal for rows without NaN.
// Throws: std::invalid_argument for a forest that is no mean of float64 sums of trees over float32 columns.
forest copy_of(const petrify::forest& mapped);

} // namespace naive
