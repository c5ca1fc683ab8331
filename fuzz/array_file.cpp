// Files of arrays: any bytes as .npz or safetensors into a petrify file, which must be sound; its arrays into a file of
// the same kind, and that into a petrify file once more: the arrays must be the same.
#include "target.hpp"

#include <petrify/file.hpp>
#include <petrify/import.hpp>
#include <petrify/safetensors.hpp>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include <unistd.h>

namespace petrify::fuzz {

namespace {

constexpr import_format format = import_format::PETRIFY_FUZZ_FORMAT;

// Files of this process's own where writing is cheap.
const std::string& path_of(int which) {
  static const std::string start = std::string(::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") +
                                   "/petrify-fuzz-" + std::to_string(::getpid());
  static const std::string paths[] = {start + "-1.stone", start + "-back", start + "-2.stone"};
  static const struct remover {
    remover() {
      std::atexit([] {
        for (const std::string& path : paths)
          ::unlink(path.c_str());
      });
    }
  } at_exit;
  return paths[which];
}

file imported(std::span<const std::byte> bytes, const std::string& path) {
  writer out(path);
  import_options options;
  options.from = format;
  options.max_decoded_bytes = 1 << 20;
  const std::size_t count = import_bytes(bytes, out, options).size();
  out.commit();
  file made = file::open(path);
  require(made.verify().empty(), "what was imported is sound");
  require(made.objects().size() == count, "what was imported is there");
  return made;
}

bool is_same(const any_array& a, const any_array& b) {
  return a.type() == b.type() && a.item_size_bytes() == b.item_size_bytes() &&
         std::ranges::equal(a.shape(), b.shape()) && (a.order() == b.order() || a.size() == 0) &&
         std::ranges::equal(a.bytes(), b.bytes()) && std::ranges::equal(a.text(), b.text());
}

void write_back(std::span<const named_array> arrays) {
  if (format == import_format::npz)
    write_npz(path_of(1), arrays);
  else
    write_safetensors(path_of(1), arrays);
}

} // namespace

void run(std::span<const std::byte> input) {
  if (input.size() > 64 << 10)
    return;
  try {
    const file made = imported(input, path_of(0));
    ++totals.accepted;
    std::vector<named_array> arrays;
    for (const object_info& object : made.objects())
      if (object.kind == "array")
        arrays.push_back({object.name, made.array(object.name)});
    // A name with a NUL has no place in a zip.
    if (std::ranges::any_of(arrays, [](const named_array& one) { return one.name.find('\0') != one.name.npos; }))
      return;
    write_back(arrays);
    writer out(path_of(2));
    import_options options;
    options.from = format;
    import_file(path_of(1), out, options);
    out.commit();
    const file again = file::open(path_of(2));
    require(again.objects().size() == arrays.size(), "what was written is there");
    for (const named_array& one : arrays)
      require(is_same(again.array(one.name), one.array), "what was written is the same");
    ++totals.used;
  } catch (const error& failure) {
    require(std::string_view(failure.what()).find('\n') == std::string_view::npos, "an error is one line");
    require(failure.code() != errc::io, "nothing is wrong with the disk");
  }
}

} // namespace petrify::fuzz
