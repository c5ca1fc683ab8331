// The door: which format the bytes have, and what objects are in them.
#include <petrify/import.hpp>

#include "base/fail.hpp"
#include "base/float_mode.hpp"
#include "base/utf8.hpp"
#include "container/header.hpp"
#include "import/array_import.hpp"
#include "import/decompress.hpp"
#include "import/lightgbm.hpp"
#include "import/npy.hpp"
#include "import/npz.hpp"
#include "import/pickle.hpp"
#include "import/safetensors.hpp"
#include "import/sklearn.hpp"
#include "import/value_import.hpp"
#include "import/xgboost.hpp"
#include "mapping/input_file.hpp"

#include <petrify/forest_builder.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace petrify::inline v0 {

namespace {

constexpr const char* known_formats =
    "a pickle, a joblib dump, XGBoost's JSON or UBJSON, LightGBM's text, or a .npy, .npz or safetensors file";

std::string shape_text(std::span<const std::uint64_t> shape) {
  std::string out = "(";
  for (std::size_t i = 0; i < shape.size(); ++i)
    out += (i == 0 ? "" : ", ") + text(shape[i]);
  return out + (shape.size() == 1 ? ",)" : ")");
}

// The newest releases that fixtures were made by (docs/importers.md).
struct tested_library {
  std::string_view name;
  int major;
  int minor;
};
constexpr tested_library newest_tested[] = {{"scikit-learn", 1, 9}, {"xgboost", 3, 4}};

// Later releases may predict otherwise, as some before them did, and nobody can know yet.
std::string note_on(const forest& model) {
  const std::string_view version = model.library_version();
  const char* const end = version.data() + version.size();
  // What is too large for a number is newer, too.
  const auto number_at = [end](const char*& at) {
    std::int64_t out = 0;
    const auto read = std::from_chars(at, end, out);
    at = read.ptr == end ? end : read.ptr + 1;
    return read.ec == std::errc::result_out_of_range ? std::numeric_limits<std::int64_t>::max() : out;
  };
  const char* at = version.data();
  const std::int64_t major = number_at(at);
  const std::int64_t minor = number_at(at);
  for (const tested_library& newest : newest_tested)
    if (model.library() == newest.name && (major > newest.major || (major == newest.major && minor > newest.minor)))
      return text("written by ", newest.name, " ", version, ", and petrify was tested with releases up to ",
                  newest.major, ".", newest.minor, ": compare predictions before you rely on it");
  return {};
}

// Puts the objects of one file into a writer and keeps count of them.
class importer {
public:
  importer(writer& out, const import_options& options) : out_(out), options_(options) {
    out_.on_progress([this](std::uint64_t written) { report("writing", written, array_size_); });
  }
  importer(const importer&) = delete;
  importer& operator=(const importer&) = delete;
  ~importer() { out_.on_progress({}); }

  std::vector<imported_object> take() { return std::move(done_); }

  void npy(std::span<const std::byte> bytes) {
    add_array(options_.name.empty() ? "array" : options_.name,
              imported_array(parse_npy(bytes), imported_array::placement::anywhere));
  }

  void npz(std::span<const std::byte> bytes) {
    decode_limits limits;
    limits.max_bytes = options_.max_decoded_bytes;
    std::uint64_t left = 0;
    for (const zip::member& one : npz_members(bytes, limits, &left)) {
      try {
        add_member(one, left);
      } catch (const error& failure) {
        throw failure.path().empty() ? failure.at({}, text("member ", quoted(one.name))) : failure;
      }
    }
  }

  void safetensors_file(std::span<const std::byte> bytes) {
    const safetensors::content content = safetensors::parse(bytes);
    for (const safetensors::tensor& one : content.tensors) {
      const std::string name = name_in_file(one.name, "tensor");
      array_size_ = one.bytes.size();
      out_.add_bytes(name, one.type, 0, one.bytes, one.shape, axis_order::row_major);
      arrays_done(name, one.type, one.shape);
    }
    if (content.texts)
      add_texts(name_in_file(safetensors::metadata_name, "tensor"), *content.texts);
  }

  void json_document(const json::document& document) {
    const json::value& root = document.root();
    if (root.find("tree_info") != nullptr)
      fail(errc::not_importable, {},
           "LightGBM's dump_model, which leaves out what predictions need, expected save_model's text");
    if (root.find("features_info") != nullptr)
      fail(errc::not_importable, {}, "a CatBoost model, which petrify does not import, expected ", known_formats);
    if (!is_xgboost_model(root))
      fail(errc::not_importable, {}, "holds ", root.describe(), ", expected an XGBoost model with its \"learner\"");
    put_model(options_.name.empty() ? "model" : options_.name,
              import_xgboost(document.root(), boosted(), trees_reported()));
  }

  void lightgbm_text(std::span<const std::byte> bytes) {
    put_model(options_.name.empty() ? "model" : options_.name, import_lightgbm(bytes, boosted(), trees_reported()));
  }

  void pickle_stream(std::span<const std::byte> bytes) {
    const pickle::document document = pickle::parse(bytes);
    // A file may name one array a million times; what is written stays in proportion to what was read.
    bytes_left_ = 16 * static_cast<std::uint64_t>(bytes.size()) + (std::uint64_t{1} << 20);
    budget_.emplace(bytes.size());
    const pickle::value root = document.root();
    if (is_model(root))
      return add_model(options_.name.empty() ? "model" : options_.name, root);
    if (root.is(pickle::kind::array))
      return add_array(options_.name.empty() ? "array" : options_.name, imported_array::from(root));
    // Enough for any tree of values; what shares or contains itself beyond that is refused.
    pickle::walk steps(4 * document.num_values() + 4096);
    if (plain_.is_plain(root))
      return add_value(options_.name.empty() ? "value" : options_.name, root, steps);
    if (!is_bundle(root))
      fail(errc::not_importable, {}, what_is(root), " (it knows ", known_sklearn_models(),
           ", XGBoost's and LightGBM's models, numpy arrays, and dicts and lists of numbers and texts)");
    add_bundle(options_.name, root, steps);
  }

private:
  static bool is_model(const pickle::value& value) {
    return is_sklearn_model(value) || is_xgboost_object(value) || is_lightgbm_object(value);
  }

  static bool is_bundle(const pickle::value& value) {
    return value.is(pickle::kind::dict) || value.is(pickle::kind::list) || value.is(pickle::kind::tuple);
  }

  static std::string what_is(const pickle::value& value) {
    if (value.class_name().empty())
      return text("holds ", printable(value.describe()), ", which petrify does not import");
    // A search over parameters, for one.
    const bool has_best = value.attr("best_estimator_").has_value();
    return text(printable(value.class_name()), " is not a model petrify knows",
                has_best ? "; its best_estimator_ may be: dump that" : "");
  }

  // The name that a dict's key gives its entry. Checked before it is copied: one long key may be used a million times.
  static std::string key_text(const pickle::value& key) {
    if (const auto name = key.as_text()) {
      if (name->empty() || name->size() > max_name_bytes || !is_utf8(*name))
        fail(errc::not_importable, text("key ", quoted(*name)), name->size(), " bytes, expected 1 to ", max_name_bytes,
             " bytes of UTF-8 for a name");
      return std::string(*name);
    }
    if (const auto number = key.as_int())
      return text(*number);
    fail(errc::not_importable, {}, "a dict with a key that is ", printable(key.describe()),
         ", expected texts or integers");
  }

  void add_bundle(const std::string& prefix, const pickle::value& bundle, pickle::walk& steps) {
    const auto inside = steps.enter();
    const bool is_dict = bundle.is(pickle::kind::dict);
    // Python's reader keeps the last of equal keys. The number 5 and the text "5" are two keys (and one name: refused).
    std::map<std::string, std::size_t> last; // no hash table, which keys can be made for
    const auto key_of = [&](std::size_t i) { return (bundle.key(i).as_text() ? "t" : "i") + key_text(bundle.key(i)); };
    for (std::size_t i = 0; is_dict && i < bundle.size(); ++i)
      last[key_of(i)] = i;
    for (std::size_t i = 0; i < bundle.size(); ++i) {
      if (is_dict && last[key_of(i)] != i)
        continue;
      const std::string key = is_dict ? key_text(bundle.key(i)) : text(i);
      const pickle::value entry = bundle[i];
      const std::string name = prefix.empty() ? key : prefix + "/" + key;
      if (name.size() > max_name_bytes)
        fail(errc::not_importable, text("entry ", quoted(name)), "name of ", name.size(), " bytes, expected at most ",
             max_name_bytes);
      // Of what holds no array and no model there is no more to find: it stays one value.
      if (is_bundle(entry) && !plain_.is_plain(entry))
        add_bundle(name, entry, steps);
      else
        add_entry(name, entry, steps);
    }
  }

  void add_entry(const std::string& name, const pickle::value& entry, pickle::walk& steps) {
    try {
      if (!names_.insert(name).second)
        fail(errc::not_importable, {}, "two entries have this name, expected each once");
      if (is_model(entry))
        add_model(name, entry);
      else if (entry.is(pickle::kind::array))
        add_array(name, imported_array::from(entry));
      else if (plain_.is_plain(entry))
        add_value(name, entry, steps);
      else
        fail(errc::not_importable, {}, what_is(entry), ", expected a model, an array or a plain value");
    } catch (const error& failure) {
      // The writer's own errors know their place.
      throw failure.path().empty() ? failure.at({}, text("entry ", quoted(name))) : failure;
    }
  }

  // The name of an object of a file that names its arrays.
  std::string name_in_file(std::string_view key, std::string_view what) {
    std::string name = options_.name.empty() ? std::string(key) : text(options_.name, '/', key);
    if (key.empty() || name.size() > max_name_bytes || !is_utf8(name))
      fail(errc::not_importable, text(what, ' ', quoted(key)), "name of ", name.size(), " bytes, expected 1 to ",
           max_name_bytes, " bytes of UTF-8");
    if (!names_.insert(name).second)
      fail(errc::not_importable, text(what, ' ', quoted(key)), "two have this name, expected each once");
    return name;
  }

  // Straight from the archive to the file, unless the elements must be converted. What the texts of deflated members
  // become in memory, up to three times what they decode to, is taken from `left`.
  void add_member(const zip::member& of, std::uint64_t& left) {
    constexpr std::size_t piece_bytes = std::size_t{4} << 20;
    const std::string name = name_in_file(npz_name(of), "array");
    npz_array source(of);
    const npy_description& found = source.description();
    const dtype type = require_dtype(found.dtype, found.shape.size());
    if (type == dtype::string && of.is_deflated) {
      const std::uint64_t before = left;
      const imported_array texts(source.whole(), imported_array::placement::anywhere, before);
      left -= texts.view().bytes().size() + texts.view().text().size();
      return add_array(name, texts);
    }
    if (type == dtype::string || found.dtype.swapped)
      return add_array(name, imported_array(source.whole(), imported_array::placement::anywhere));
    array_size_ = found.elements_bytes;
    const auto item_size = type == dtype::fixed_bytes ? static_cast<std::uint32_t>(found.dtype.item_size) : 0;
    const auto order = found.order == numpy_order::row_major ? axis_order::row_major : axis_order::column_major;
    byte_stream to = out_.stream_bytes(name, type, item_size, found.shape, order);
    for (auto piece = source.next(piece_bytes); !piece.empty(); piece = source.next(piece_bytes))
      to.append(piece);
    source.finish();
    to.finish();
    arrays_done(name, type, found.shape);
  }

  void add_texts(const std::string& name, const safetensors::metadata& texts) {
    value_builder built;
    built.begin_dict();
    for (const auto& [key, one] : texts)
      built.text(key).text(one);
    built.end();
    out_.add(name, built);
    done_.push_back({name, text("value, dict of ", texts.size(), texts.size() == 1 ? " text" : " texts"), {}});
    report("values", done_.size(), 0);
  }

  void arrays_done(const std::string& name, dtype type, std::span<const std::uint64_t> shape) {
    array_size_ = 0;
    done_.push_back({name, text("array of ", to_string(type), ", shape ", shape_text(shape)), {}});
    report("arrays", done_.size(), 0);
  }

  void add_array(const std::string& name, const imported_array& array) {
    const any_array view = array.view();
    if (bytes_left_) {
      const std::uint64_t size = view.bytes().size() + view.text().size();
      if (size > *bytes_left_)
        fail(errc::limit_exceeded, {},
             "the arrays together are more than 16 times the file, expected each to be named once");
      *bytes_left_ -= size;
    }
    array_size_ = view.bytes().size();
    out_.add(name, view);
    arrays_done(name, array.type(), array.shape());
  }

  void add_value(const std::string& name, const pickle::value& source, pickle::walk& steps) {
    value_builder built;
    add_plain(built, source, *bytes_left_, steps);
    *bytes_left_ -= std::min(*bytes_left_, built.size_bytes());
    out_.add(name, built);
    done_.push_back({name, text("value, ", source.describe()), {}});
    report("values", done_.size(), 0);
  }

  boosted_options boosted() const { return {options_.iterations, options_.missing, options_.layout}; }

  tree_progress trees_reported() const {
    return [this](std::uint64_t done, std::uint64_t total) { report("trees", done, total); };
  }

  void add_model(const std::string& name, const pickle::value& object) {
    if (is_xgboost_object(object))
      return put_model(name, import_xgboost_object(object, boosted(), *budget_, trees_reported()));
    if (is_lightgbm_object(object))
      return put_model(name, import_lightgbm_object(object, boosted(), *budget_, trees_reported()));
    put_model(name, import_sklearn(object, boosted(), *budget_, trees_reported()));
  }

  void put_model(const std::string& name, forest_model model) {
    if (options_.golden_rows)
      model.set_golden_rows(*options_.golden_rows);
    report("writing", 0, 0);
    out_.add(name, model);
    done_.push_back({name,
                     text("forest of ", model.num_trees(), model.num_trees() == 1 ? " tree, " : " trees, ",
                          model.num_nodes(), " nodes, ", model.model_class()),
                     note_on(model.view())});
  }

  void report(std::string_view step, std::uint64_t done, std::uint64_t total) const {
    if (options_.progress)
      options_.progress(step, done, total);
  }

  writer& out_;
  const import_options& options_;
  std::vector<imported_object> done_;
  std::optional<std::uint64_t> bytes_left_;
  std::optional<read_budget> budget_;
  plain_values plain_;
  std::set<std::string> names_;
  std::uint64_t array_size_ = 0; // of the array that is being written; 0: not known
};

[[noreturn]] void fail_unknown_format(std::span<const std::byte> bytes) {
  const auto start = bytes.first(std::min<std::size_t>(bytes.size(), 64));
  if (bytes.empty())
    fail(errc::not_importable, {}, "the file is empty, expected ", known_formats);
  const std::string_view magic(reinterpret_cast<const char*>(file_magic.data()), file_magic.size());
  const std::string_view seen(reinterpret_cast<const char*>(start.data()), start.size());
  const std::string look = seen.starts_with(magic) ? "a petrify file already" : looks_like(start);
  fail(errc::not_importable, {}, "not a file petrify can import: starts with ", quoted(seen, 24),
       look.empty() ? std::string() : ", which is " + look, ", expected ", known_formats);
}

// What uncompressed bytes look like; nullopt when nothing that is known.
std::optional<import_format> format_of(std::span<const std::byte> bytes) {
  if (is_npy(bytes))
    return import_format::npy;
  if (zip::is_archive(bytes))
    return import_format::npz;
  if (safetensors::is_file(bytes))
    return import_format::safetensors;
  // The byte that starts every pickle since protocol 2; which protocol it is, parse says.
  if (!bytes.empty() && bytes[0] == std::byte{0x80})
    return import_format::pickle;
  if (json::is_text(bytes))
    return import_format::xgboost_json;
  if (json::is_ubjson(bytes))
    return import_format::xgboost_ubjson;
  if (is_lightgbm_text(bytes))
    return import_format::lightgbm;
  // Both of XGBoost's binary formats, which 3.1 no longer reads either.
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 32));
  if (start.starts_with("binf") || start.starts_with("bs64"))
    fail(errc::not_importable, {},
         "XGBoost's old binary format, expected JSON or UBJSON: load it with XGBoost 1.6 to "
         "3.0 and save_model(\"model.json\")");
  if (start.starts_with("booster[0]:") || start.starts_with("[\n  { \"nodeid\""))
    fail(errc::not_importable, {},
         "XGBoost's dump_model, which leaves out what predictions need, expected save_model(\"model.json\")");
  return std::nullopt;
}

void import_as(import_format format, importer& to, std::span<const std::byte> bytes) {
  switch (format) {
  case import_format::npy: return to.npy(bytes);
  case import_format::npz: return to.npz(bytes);
  case import_format::safetensors: return to.safetensors_file(bytes);
  case import_format::xgboost_json: return to.json_document(json::parse_text(bytes));
  case import_format::xgboost_ubjson: return to.json_document(json::parse_ubjson(bytes));
  case import_format::lightgbm: return to.lightgbm_text(bytes);
  case import_format::pickle:
  case import_format::automatic: return to.pickle_stream(bytes);
  }
}

void import_into(importer& to, std::span<const std::byte> bytes, const import_options& options) {
  const bool is_automatic = options.from == import_format::automatic;
  // What arrays' own files begin with is never taken for a compressed stream.
  const bool is_plain = options.from == import_format::npy || options.from == import_format::npz ||
                        options.from == import_format::safetensors || (is_automatic && safetensors::is_file(bytes));
  const compression kind = is_plain ? compression::none : detect_compression(bytes);
  if (kind == compression::none) {
    const auto format = is_automatic ? format_of(bytes) : std::optional(options.from);
    if (!format)
      fail_unknown_format(bytes);
    return import_as(*format, to, bytes);
  }
  if (options.progress)
    options.progress("decompressing", 0, 0);
  decode_limits limits;
  limits.max_bytes = options.max_decoded_bytes;
  const byte_buffer decoded = decompress(kind, bytes, limits);
  const auto format = is_automatic ? format_of(decoded.span()) : std::optional(options.from);
  if (!format)
    fail(
        errc::not_importable, {}, to_string(kind), "-compressed data that starts with ",
        quoted({reinterpret_cast<const char*>(decoded.span().data()), std::min<std::size_t>(decoded.span().size(), 64)},
               24),
        ", expected ", known_formats, " inside");
  import_as(*format, to, decoded.span());
}

} // namespace

const char* to_string(import_format format) noexcept {
  switch (format) {
  case import_format::automatic: return "automatic";
  case import_format::pickle: return "pickle";
  case import_format::npy: return "npy";
  case import_format::npz: return "npz";
  case import_format::safetensors: return "safetensors";
  case import_format::xgboost_json: return "xgboost-json";
  case import_format::xgboost_ubjson: return "xgboost-ubjson";
  case import_format::lightgbm: return "lightgbm";
  }
  return "unknown";
}

std::vector<imported_object> import_bytes(std::span<const std::byte> bytes, writer& out,
                                          const import_options& options) {
  const exact_float_mode mode;
  importer to(out, options);
  import_into(to, bytes, options);
  return to.take();
}

std::vector<imported_object> import_file(const std::string& path, writer& out, const import_options& options) {
  const input_file source(path);
  const mapping mapped(source);
  try {
    return import_bytes(mapped.bytes(), out, options);
  } catch (const error& failure) {
    throw failure.at(path);
  }
}

} // namespace petrify::inline v0
