#include <petrify/npy.hpp>

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "import/array_import.hpp"
#include "import/npy.hpp"
#include "mapping/input_file.hpp"
#include "mapping/output_file.hpp"

#include <algorithm>
#include <optional>

namespace petrify::inline v0 {

namespace {

// What texts may always take in a .npy file.
constexpr std::uint64_t max_free_text_bytes = std::uint64_t{1} << 30;
// Bytes between two calls of a progress function.
constexpr std::uint64_t append_bytes = std::uint64_t{64} << 20;

// UTF-8 that is known to be valid, as code points.
std::u32string code_points(std::string_view utf8) {
  std::u32string out;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    char32_t point = length == 1 ? lead : lead & (0x7fu >> length);
    for (std::size_t k = 1; k < length; ++k)
      point = point << 6 | (static_cast<unsigned char>(utf8[i + k]) & 0x3fu);
    out += point;
    i += length;
  }
  return out;
}

void write_texts(output_file& out, const string_array& texts, std::uint64_t text_bytes) {
  std::size_t widest = 1;
  for (std::uint64_t i = 0; i < texts.size(); ++i)
    widest = std::max(widest, code_points(texts[i]).size());
  // numpy gives every text the room of the longest one.
  const auto size = checked_mul(texts.size(), 4 * static_cast<std::uint64_t>(widest));
  if (!size || (*size > max_free_text_bytes && *size / 64 > text_bytes))
    fail(errc::limit_exceeded, {}, texts.size(), " texts of up to ", widest,
         " characters would take 64 times their size in numpy's fixed-length form");
  const std::string header = npy_header(text("<U", widest), false, texts.shape());
  out.append(std::as_bytes(std::span(header)));
  for (std::uint64_t i = 0; i < texts.size(); ++i) {
    std::u32string item = code_points(texts[i]);
    item.resize(widest);
    out.append(std::as_bytes(std::span(item)));
  }
}

} // namespace

struct npy_file::state {
  mapping mapped;
  std::optional<imported_array> array;
  std::optional<any_array> view;
};

npy_file::npy_file(const std::string& path) {
  const input_file source(path);
  state_ = std::make_unique<state>(state{mapping(source), {}, {}});
  try {
    state_->array.emplace(parse_npy(state_->mapped.bytes()));
    state_->view.emplace(state_->array->view());
  } catch (const error& failure) {
    throw failure.at(path);
  }
}

npy_file::npy_file(npy_file&&) noexcept = default;
npy_file& npy_file::operator=(npy_file&&) noexcept = default;
npy_file::~npy_file() = default;

const any_array& npy_file::array() const& noexcept { return *state_->view; }

void write_npy(const std::string& path, const any_array& array,
               const std::function<void(std::uint64_t done, std::uint64_t total)>& progress) {
  const std::string code = numpy_code_of(array.type(), array.item_size_bytes());
  if (code.empty() && array.type() != dtype::string)
    throw error(errc::unsupported, path, {}, text("numpy has no type for ", to_string(array.type())));
  output_file out(path);
  try {
    if (array.type() == dtype::string) {
      write_texts(out, array.strings(), array.text().size());
    } else {
      const std::string header = npy_header(code, array.order() == axis_order::column_major, array.shape());
      out.append(std::as_bytes(std::span(header)));
      for (std::uint64_t done = 0; done < array.bytes().size();) {
        const std::uint64_t part = std::min(append_bytes, array.bytes().size() - done);
        out.append(array.bytes().subspan(done, part));
        done += part;
        if (progress)
          progress(done, array.bytes().size());
      }
    }
    out.commit();
  } catch (const error& failure) {
    throw failure.at(path);
  }
}

} // namespace petrify::inline v0
