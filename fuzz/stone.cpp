// Files: open them from memory, list, use and verify what is in them.
#include "stone_use.hpp"
#include "target.hpp"

#include "support/aligned_bytes.hpp"

namespace petrify::fuzz {

namespace {

// Says what may be thrown: nothing but petrify's own error, and that says where.
template <class F>
bool accepted(F f) {
  try {
    f();
    return true;
  } catch (const error& failure) {
    require(!failure.message().empty(), "an error says what");
    require(failure.code() != errc::io, "memory has no I/O errors");
    return false;
  }
}

} // namespace

void run(std::span<const std::byte> input) {
  if (input.size() > 64 << 10)
    return;
  test::aligned_bytes memory(input);
  std::optional<file> opened;
  if (!accepted([&] { opened = file::open_bytes(memory.bytes()); }))
    return;
  ++totals.accepted;
  const std::uint64_t used_before = totals.used;
  bool all_used = true;
  for (const object_info& object : opened->objects()) {
    require(opened->contains(object.name), "a listed object is there");
    all_used &= accepted([&] {
      if (object.kind == "array")
        use_array(*opened, object.name);
      else if (object.kind == "value")
        use_value(*opened, object.name);
      else if (object.kind == "record")
        use_record(*opened, object.name);
      else if (object.kind == "forest")
        use_forest(*opened, object.name);
    });
    all_used &= accepted([&] { use_attributes(*opened, object.name); });
  }
  if (totals.used > used_before)
    totals.used = used_before + 1; // an input counts once
  // What verify finds sound must have been usable; records have rules that it does not know.
  if (opened->verify().empty() && !all_used)
    for (const object_info& object : opened->objects()) {
      require(accepted([&] { use_attributes(*opened, object.name); }), "verify found no fault in broken attributes");
      require(object.kind == "record" || accepted([&] {
                if (object.kind == "array")
                  use_array(*opened, object.name);
                else if (object.kind == "value")
                  use_value(*opened, object.name);
                else if (object.kind == "forest")
                  (void)opened->forest(object.name);
              }),
              "verify found no fault in what cannot be used");
    }
  if (totals.used > used_before)
    totals.used = used_before + 1;
}

} // namespace petrify::fuzz
