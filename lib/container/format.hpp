// Constants of the file format, and the enums of schemas/directory.fbs as plain C++ (checked against the generated
// ones in directory.cpp, the only place that includes those). All of it is part of the file format: docs/format.md.
#pragma once

#include <petrify/dtype.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace petrify::inline v0 {

inline constexpr std::array<unsigned char, 12> file_magic = {0x89, 'p', 'e',  't',  'r',  'i',
                                                             'f',  'y', '\r', '\n', 0x1a, '\n'};
inline constexpr std::uint64_t header_bytes = 128;
inline constexpr std::uint64_t segment_alignment = 64;
// From this size on a segment starts on a page.
inline constexpr std::uint64_t large_segment_bytes = std::uint64_t{64} << 10;
inline constexpr std::uint64_t large_segment_alignment = 4096; // what this version writes
inline constexpr std::uint64_t max_large_segment_alignment = std::uint64_t{2} << 20;
inline constexpr std::uint64_t digest_chunk_bytes = std::uint64_t{1} << 20;
inline constexpr std::uint64_t max_directory_size = std::uint64_t{64} << 20;
inline constexpr std::size_t max_name_bytes = 1024;
// Of one object, nodes and bytes; a limit of this writer, not of the format.
inline constexpr std::uint64_t max_attribute_bytes = std::uint64_t{1} << 20;
// A record's FlatBuffer: its root offset and identifier; FlatBuffers' own limit.
inline constexpr std::uint64_t min_record_bytes = 8;
inline constexpr std::uint64_t max_record_bytes = 0x7fffffff;

constexpr std::uint64_t alignment_of_segment(std::uint64_t size_bytes, std::uint64_t large_alignment) noexcept {
  return size_bytes >= large_segment_bytes ? large_alignment : segment_alignment;
}

enum class task_kind : std::uint8_t { none = 0, classification = 1, regression = 2, ranking = 3, anomaly = 4 };
enum class slot_kind : std::uint8_t { zero = 0, float32 = 1, rank64 = 2, category = 3 };
enum class step_op : std::uint8_t {
  none = 0,
  subtract = 1,
  divide = 2,
  multiply = 3,
  add = 4,
  clip = 5,
  replace = 6,
  missing = 7,
  subtract_typed = 8,
  divide_typed = 9,
  replace_typed = 10,
  narrow_integers = 11,
};
enum class category_rule : std::uint8_t {
  none = 0,
  xgboost = 1,
  xgboost_strict = 2,
  lightgbm = 3,
  hist_gradient_boosting = 4,
  listed = 5,
  hist_gradient_boosting_wrapped = 6,
};
enum class missing_rule : std::uint8_t { left = 0, right = 1, as_zero = 2, zero_left = 3, zero_right = 4 };
enum class layout_kind : std::uint8_t { none = 0, n8 = 1, n16 = 2, dense = 3 };
enum class segment_role : std::uint8_t {
  none = 0,
  nodes = 1,
  blocks = 2,
  leaf_values = 3,
  leaf_ids = 4,
  tree_targets = 5,
  tree_weights = 6,
  cuts = 7,
  category_words = 8,
  sparse_leaves = 9,
  linear_ends = 10,
  dense_nodes = 11,
  linear_columns = 12,
  linear_coefficients = 13,
  dense_features = 14,
  dense_cuts = 15,
  dense_leaves = 16,
  dense_exits = 17,
  attribute = 64,
  golden_rows = 65,
  golden_raw = 66,
};
// An epilogue has at most so many operations on all columns; origins need three or four.
inline constexpr std::size_t max_wide_epilogue_ops = 16;
// Golden rows of a forest: verify predicts each, whatever its trees cost.
inline constexpr std::size_t max_golden_rows = 4096;
// Steps on every column of a row.
inline constexpr std::size_t max_wide_steps = 4;
inline constexpr std::uint8_t whole_forest = 255;             // segment_layouts: belongs to no single layout
inline constexpr std::uint32_t all_raw_columns = 0xffffffffu; // epilogue_columns
inline constexpr std::uint32_t all_columns = 0xffffffffu;     // step_columns
inline constexpr std::uint32_t no_known_set = 0xffffffffu;    // category_known_sets
enum class leaf_form : std::uint8_t { none = 0, inline_float32 = 1, scalar = 2, vector = 3, sparse = 4, linear = 5 };
enum class sum_kind : std::uint8_t { none = 0, sum = 1, minimum = 2, maximum = 3, weighted_median = 4 };
enum class epilogue_op : std::uint8_t {
  none = 0,
  divide = 1,
  add = 2,
  sigmoid = 3,
  softmax = 4,
  exp = 5,
  normalize = 6,
  complement = 7,
  isolation_score = 8,
  bounded_sigmoid = 9,
  softmax_wide_sum = 10,
  softmax_by_logarithm = 11,
  fold_pair = 12,
  is_positive = 13,
  signed_square = 14,
  log1p_exp = 15,
  mirror = 16,
  sort = 17,
  softplus_gaps = 18,
  softmax_numpy = 19,
};
enum class decision_rule : std::uint8_t { none = 0, argmax_raw = 1, argmax_final = 2, cut_raw = 3, cut_final = 4 };
enum class leaf_id_rule : std::uint8_t { none = 0, preorder = 1, stored = 2, stored_pairs = 3 };

} // namespace petrify::inline v0
