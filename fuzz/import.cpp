// The whole way: any bytes (pickle, joblib, .npy, compressed) into a file, which must be sound.
#include "target.hpp"

#include <petrify/file.hpp>
#include <petrify/import.hpp>

#include <cstdlib>
#include <string>

#include <unistd.h>

namespace petrify::fuzz {

namespace {

// A file of this process's own where writing is cheap.
const std::string& target_path() {
  static const std::string path = [] {
    const char* folder = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    return std::string(folder) + "/petrify-fuzz-" + std::to_string(::getpid()) + ".stone";
  }();
  return path;
}

} // namespace

void run(std::span<const std::byte> input) {
  if (input.size() > 64 << 10)
    return;
  struct remover {
    remover() {
      std::atexit([] { ::unlink(target_path().c_str()); });
    }
  };
  static const remover at_exit;
  try {
    writer out(target_path());
    import_options options;
    options.max_decoded_bytes = 1 << 20;
    const auto imported = import_bytes(input, out, options);
    ++totals.accepted;
    out.commit();
    const file made = file::open(target_path());
    require(made.verify().empty(), "what was imported is sound");
    require(made.objects().size() == imported.size(), "what was imported is there");
    for (const object_info& object : made.objects())
      if (object.kind == "forest")
        (void)made.forest(object.name);
    ++totals.used;
  } catch (const error& failure) {
    require(std::string_view(failure.what()).find('\n') == std::string_view::npos, "an error is one line");
    require(failure.code() != errc::io, "nothing is wrong with the disk");
  }
}

} // namespace petrify::fuzz
