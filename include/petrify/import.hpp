// import: other libraries' files become petrify objects. Needs the library petrify::import.
//
// Files are parsed as data and never executed: a pickle that would run a command when Python loads it does nothing
// here.
#pragma once

#include <petrify/layout_choice.hpp>
#include <petrify/rows.hpp>
#include <petrify/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::inline v0 {

enum class import_format {
  automatic, // found from the bytes; file names mean nothing
  pickle, // pickle and joblib, raw or compressed: scikit-learn models, numpy arrays, plain values, dicts and lists of
          // all
  npy,    // one numpy array
  npz,    // several, as np.savez and np.savez_compressed write them
  safetensors,    // tensors by name, and texts beside them
  xgboost_json,   // XGBoost's save_model("model.json"), of 1.0 and later
  xgboost_ubjson, // save_model("model.ubj"), of 1.6 and later
  lightgbm,       // LightGBM's save_model("model.txt"), of versions v2 to v4
};

// "automatic", "pickle", "npy", "npz", "safetensors", "xgboost-json", "xgboost-ubjson", "lightgbm".
const char* to_string(import_format format) noexcept;

struct import_options {
  import_format from = import_format::automatic;
  // Name of the object; of several (a dict, a list, a .npz or safetensors file), what their names begin with:
  // "NAME/key". Empty: a model is "model", a lone array is "array", anything else without models and arrays in it
  // "value"; entries of a dict have their keys as names, those of a list their numbers.
  std::string name;
  // Of a boosted model's iterations (XGBoost, LightGBM, GradientBoosting*, HistGradientBoosting*) the first so many.
  // Unset: what the origin's predict uses, which is all of them, or those up to the best one for an estimator of
  // XGBoost or LightGBM that stopped early.
  std::optional<std::uint32_t> iterations;
  // A value that counts as missing in an XGBoost model beside NaN, as given to DMatrix in Python. Unset: what a pickled
  // estimator says; a model file says nothing.
  std::optional<double> missing;
  // Rows that every model of the file keeps with its raw scores, for verify (forest_model::set_golden_rows). Only
  // needed during the call.
  std::optional<rows> golden_rows;
  // In which form the nodes of every model of the file are written.
  layout_choice layout = layout_choice::automatic;
  // How large a compressed file, or the deflated members of a .npz file together, may become; of texts in these the
  // form they are converted to, 8 bytes each and their UTF-8, counts too. Beyond 256 MiB it may also not exceed 1200
  // times its size.
  std::uint64_t max_decoded_bytes = std::uint64_t{16} << 30;
  // Called now and then from the importing thread with what is done and how much of how much; total 0: not known.
  std::function<void(std::string_view step, std::uint64_t done, std::uint64_t total)> progress;
};

// One object that was imported.
struct imported_object {
  std::string name;
  std::string what; // "forest of 100 trees, sklearn.ensemble._forest.RandomForestClassifier"
  std::string note; // what should be known of it: that its library is newer than any that was tested; mostly empty
};

// Reads `path` and adds everything in it to `out`; the caller commits. Models are those of docs/importers.md; arrays
// are numpy's of any type that petrify::dtype has; None, numbers, texts, bytes, and lists, tuples and dicts of these
// become values (petrify/value.hpp). All or nothing: what cannot be imported is refused by name.
// Cost: one pass; memory for a decompressed copy (not for a raw file, nor for a .npz file), for arrays that must be
// converted (big-endian, strided, or text inside a pickle of protocol 2), and what the models need in forest_builder.
// Throws: errc::io, not_regular, truncated, malformed, unsupported, limit_exceeded, not_importable, wrong_type,
// invalid_argument (with tree and node, or an option that the model has no use for). After an exception `out` must not
// be committed. `out`'s on_progress is taken over and cleared.
std::vector<imported_object> import_file(const std::string& path, writer& out, const import_options& options = {});

// The same from memory, which is only needed during the call. Errors have no path.
std::vector<imported_object> import_bytes(std::span<const std::byte> bytes, writer& out,
                                          const import_options& options = {});

} // namespace petrify::inline v0
