#include "corrupt/attacks.hpp"

#include "support/reseal.hpp"

#include "stone_file.hpp"

#include "container/format.hpp"
#include "forest/node.hpp"
#include "value/value_node.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace petrify::test {

namespace {

using fuzz::stone_file;
using bytes = std::vector<std::byte>;
using edit_bytes = std::function<bytes(bytes)>;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

stone_file apart(const bytes& file) { return stone_file::take_apart(file).value(); }

// Edits of the bytes as they are; sealed: with the checksums of header and directory made right again.
template <class F>
edit_bytes raw(F change) {
  return [change](bytes file) {
    change(file);
    return file;
  };
}
template <class F>
edit_bytes sealed(F change) {
  return [change](bytes file) {
    change(file);
    fuzz::seal(file);
    return file;
  };
}
// A number in the header, with the header's checksum made right.
template <class T>
edit_bytes header_field(std::size_t at, T value) {
  return [at, value](bytes file) {
    poke(file, at, value);
    poke(file, 120, checksum(std::span(file).first(120)));
    return file;
  };
}

// Edits of the parts; everything that follows from them is made right.
template <class F>
edit_bytes parts(F change) {
  return [change](bytes file) {
    stone_file s = apart(file);
    change(s);
    return s.put_together();
  };
}
// Edits of the directory alone, behind all that follows from the parts.
template <class F>
edit_bytes directory(F change) {
  return [change](bytes file) { return apart(file).put_together(change); };
}

template <class F>
edit_bytes array(std::size_t object, F change) {
  return parts([=](stone_file& s) { change(*s.directory.objects.at(object)->description.AsArray(), s); });
}
template <class F>
edit_bytes forest(F change) {
  return parts([=](stone_file& s) { change(*s.directory.objects.at(0)->description.AsForest()); });
}

// The segment of a role.
bytes& segment(stone_file& s, fbs::SegmentRole role) {
  const auto& roles = s.directory.objects.at(0)->description.AsForest()->segment_roles;
  return s.segments.at(static_cast<std::size_t>(std::find(roles.begin(), roles.end(), role) - roles.begin()));
}
template <class T>
T load(const bytes& segment, std::size_t index) {
  T out;
  std::memcpy(&out, segment.data() + index * sizeof out, sizeof out);
  return out;
}
template <class T>
void store(bytes& segment, std::size_t index, const T& value) {
  std::memcpy(segment.data() + index * sizeof value, &value, sizeof value);
}
template <class T>
edit_bytes number_in(fbs::SegmentRole role, std::size_t index, T value) {
  return parts([=](stone_file& s) { store(segment(s, role), index, value); });
}

// A node of the layout n8 with 8 slot bits.
template <class F>
edit_bytes node(std::size_t index, F change) {
  return parts([=](stone_file& s) {
    bytes& nodes = segment(s, fbs::SegmentRole::nodes);
    node8 n = load<node8>(nodes, index);
    std::uint32_t slot = n.meta & 255;
    std::uint32_t offset = n.meta >> 8;
    change(n.value, slot, offset);
    n.meta = offset << 8 | slot;
    store(nodes, index, n);
  });
}
// The first node that is a leaf, or a split.
template <class F>
edit_bytes first_node(bool is_leaf, F change) {
  return [=](bytes file) {
    stone_file s = apart(file);
    const bytes& nodes = segment(s, fbs::SegmentRole::nodes);
    std::size_t i = 0;
    while ((load<node8>(nodes, i).meta == 0) != is_leaf)
      ++i;
    return node(i, change)(std::move(file));
  };
}

// Nodes of the layout n8 with 8 slot bits: the left child of one, 0 for a leaf; two splits exchange their children.
std::size_t left_of(const bytes& nodes, std::size_t i) {
  const std::size_t offset = load<node8>(nodes, i).meta >> 8;
  return offset == 0 ? 0 : i + offset;
}
void exchange(bytes& nodes, std::size_t a, std::size_t b) {
  const std::size_t of_a = left_of(nodes, a);
  const std::size_t of_b = left_of(nodes, b);
  const auto lead = [&](std::size_t from, std::size_t to) {
    auto n = load<node8>(nodes, from);
    n.meta = static_cast<std::uint32_t>(to - from) << 8 | (n.meta & 255);
    store(nodes, from, n);
  };
  lead(a, of_b);
  lead(b, of_a);
}
// The left child of a split whose children are splits too.
std::vector<std::size_t> pairs_of_splits(const bytes& nodes) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < nodes.size() / sizeof(node8); ++i)
    if (const std::size_t left = left_of(nodes, i);
        left != 0 && left_of(nodes, left) != 0 && left_of(nodes, left + 1) != 0)
      out.push_back(left);
  return out;
}

// The same forest in nodes of 16 bytes.
void widen(stone_file& s) {
  fbs::ForestT& f = *s.directory.objects.at(0)->description.AsForest();
  bytes& nodes = segment(s, fbs::SegmentRole::nodes);
  bytes wide(2 * nodes.size());
  for (std::size_t i = 0; i < nodes.size() / sizeof(node8); ++i) {
    const auto n = load<node8>(nodes, i);
    store(wide, i, node16{n.value, n.meta & 255, n.meta >> 8, 0});
  }
  nodes = wide;
  f.layout_kinds = {fbs::LayoutKind::n16};
  f.layout_slot_bits = {0};
}

template <class F>
edit_bytes value_node_at(std::size_t index, F change) {
  return parts([=](stone_file& s) {
    auto n = load<value_node>(s.segments.at(0), index);
    change(n);
    store(s.segments.at(0), index, n);
  });
}

// The object of container/attributes that has most of them: "temperature", the fourth by name.
constexpr std::size_t with_attributes = 3;

struct list {
  std::vector<attack> all;

  void add(const char* rule, const char* name, const char* base, door where, errc code, const char* says,
           edit_bytes edit) {
    all.push_back({rule, name, base, where, code, says, std::move(edit)});
  }
};

void add_header(list& l) {
  const auto add = [&](const char* rule, const char* name, errc code, const char* says, edit_bytes edit) {
    l.add(rule, name, "array/texts", door::open, code, says, std::move(edit));
  };
  add("H1", "no bytes", errc::not_petrify, "the file is empty", raw([](bytes& b) { b.clear(); }));
  add("H1", "another first byte", errc::not_petrify, "not a petrify file", raw([](bytes& b) { b[0] = {}; }));
  add("H1", "four bytes of the magic", errc::truncated, "the file has 4 bytes", raw([](bytes& b) { b.resize(4); }));
  add("H2", "127 bytes", errc::truncated, "the file has 127 bytes", raw([](bytes& b) { b.resize(127); }));
  add("H3", "format version 0", errc::unsupported, "format 0 was never released", header_field<std::uint32_t>(12, 0));
  add("H3", "format version 2", errc::unsupported, "written by a later petrify", header_field<std::uint32_t>(12, 2));
  add("H4", "header checksum", errc::corrupt, "header: checksum", raw([](bytes& b) { b[120] ^= std::byte{1}; }));
  add("H5", "a required feature", errc::unsupported, "required features 4", header_field<std::uint64_t>(40, 4));
  add("H5", "a required feature that a reserved byte says more of", errc::unsupported, "required features 4",
      [](bytes file) {
        poke<std::uint8_t>(file, 64, 1);
        return header_field<std::uint64_t>(40, 4)(std::move(file));
      });
  add("H6", "first reserved byte", errc::malformed, "reserved byte 64 is 1", header_field<std::uint8_t>(64, 1));
  add("H6", "last reserved byte", errc::malformed, "reserved byte 119 is 1", header_field<std::uint8_t>(119, 1));
  add("H7", "last byte cut off", errc::truncated, "header: the file has", raw([](bytes& b) { b.pop_back(); }));
  add("H8", "one byte more", errc::malformed, "something was appended", raw([](bytes& b) { b.push_back({}); }));
  add("H9", "directory size beyond 64 MiB", errc::limit_exceeded, "expected at most 67108864",
      header_field<std::uint64_t>(32, (std::uint64_t{64} << 20) + 1));
  add("H10", "directory offset not a multiple of 64", errc::malformed, "directory at byte", [](bytes file) {
    const auto offset = load<std::uint64_t>(file, 3);
    const auto size = load<std::uint64_t>(file, 4);
    poke<std::uint64_t>(file, 24, offset + 8);
    return header_field<std::uint64_t>(32, size - 8)(std::move(file));
  });
  add("H10", "directory inside the header", errc::malformed, "directory at byte 64", [](bytes file) {
    poke<std::uint64_t>(file, 24, 64);
    const std::size_t size = file.size();
    return header_field<std::uint64_t>(32, size - 64)(std::move(file));
  });
  add("H10", "directory ends before the file", errc::malformed, "last in the file", [](bytes file) {
    const auto size = load<std::uint64_t>(file, 4);
    return header_field<std::uint64_t>(32, size - 8)(std::move(file));
  });
  add("H10", "directory offset near 2^64", errc::malformed, "directory at byte 18446744073709551552",
      header_field<std::uint64_t>(24, ~std::uint64_t{63}));
  add("H11", "nothing, but the reader allows a directory of 100 bytes", errc::limit_exceeded, "expected at most 100",
      raw([](bytes&) {}));
  l.all.back().bounds.max_directory_bytes = 100;
  l.all.back().is_sound = true;
  add("H12", "directory checksum", errc::corrupt, "directory: checksum", header_field<std::uint64_t>(56, 7));
}

void add_directory(list& l) {
  const auto add = [&](const char* rule, const char* name, const char* says, edit_bytes edit,
                       errc code = errc::malformed) {
    l.add(rule, name, "array/texts", door::open, code, says, std::move(edit));
  };
  // Behind the directory's beginning: the root's offset, the identifier, the first vtable.
  const auto in_directory = [](std::size_t at, std::uint32_t value) {
    return sealed([=](bytes& b) { poke(b, static_cast<std::size_t>(load<std::uint64_t>(b, 3)) + at, value); });
  };
  add("D1", "another identifier", "no valid FlatBuffer", in_directory(4, 0x58585858));
  add("D1", "root table past the end", "no valid FlatBuffer", in_directory(0, 0x00ffffff));
  add("D1", "root table at an odd byte", "no valid FlatBuffer", in_directory(0, 0x21));
  add("D1", "a vtable longer than the directory", "no valid FlatBuffer", in_directory(8, 0xfffffff0));
  add("D1", "a directory of four bytes", "no valid FlatBuffer", [](bytes file) {
    replace_directory(file, std::as_bytes(std::span("PTFY", 4)));
    return file;
  });
  add("D1", "one object a thousand times", "no valid FlatBuffer", [](bytes file) {
    namespace fb = flatbuffers;
    fb::FlatBufferBuilder b;
    const auto object = fbs::CreateObject(b, b.CreateString("a"), fbs::Description::Value, fbs::CreateValue(b).Union());
    const auto list_of_one = b.CreateVector(std::vector<fb::Offset<fbs::Object>>(1000, object));
    fbs::FinishDirectoryBuffer(b, fbs::CreateDirectory(b, 0, 0, 0, 4096, 128, 0, 0x2d06800538d394c2u, list_of_one));
    file.resize(128);
    poke<std::uint64_t>(file, 24, 128);
    replace_directory(file, {reinterpret_cast<const std::byte*>(b.GetBufferPointer()), b.GetSize()});
    return file;
  });
  add("D2", "producer is no UTF-8", "producer is not valid UTF-8",
      directory([](fbs::DirectoryT& d) { d.producer = "\xff"; }));
  add("D2", "name is no UTF-8", "is not valid UTF-8",
      directory([](fbs::DirectoryT& d) { d.objects.back()->name = "\xff"; }));
  add("D2", "segment sizes at a multiple of 4", "is not aligned to 8", [](bytes file) {
    // The same vector one place of 4 bytes later: found through the field's offset.
    const auto at = static_cast<std::size_t>(load<std::uint64_t>(file, 3));
    const auto* root = fbs::GetDirectory(file.data() + at);
    const auto* sizes = root->segment_sizes();
    const auto where = static_cast<std::size_t>(reinterpret_cast<const std::byte*>(sizes) - file.data());
    // The length moves over the first half of the first element; one element fewer.
    poke<std::uint32_t>(file, where + 4, sizes->size() - 1);
    const auto* field =
        reinterpret_cast<const flatbuffers::Table*>(root)->GetAddressOf(fbs::Directory::VT_SEGMENT_SIZES);
    const auto field_at = static_cast<std::size_t>(field - reinterpret_cast<const std::uint8_t*>(file.data()));
    poke<std::uint32_t>(file, field_at, static_cast<std::uint32_t>(where + 4 - field_at));
    reseal(file);
    return file;
  });
  l.add("D2", "descriptions of two objects share all bytes", "array/numbers", door::open, errc::malformed,
        "vectors share bytes", [](bytes file) {
          namespace fb = flatbuffers;
          // Two arrays with one shape of many axes, which fits the directory once.
          fb::FlatBufferBuilder b;
          const auto shape = b.CreateVector(std::vector<std::uint64_t>(40, 1));
          std::vector<fb::Offset<fbs::Object>> objects;
          for (const char* name : {"a", "b", "c"})
            objects.push_back(
                fbs::CreateObject(b, b.CreateString(name), fbs::Description::Array,
                                  fbs::CreateArray(b, fbs::ElementType::int8, fbs::Order::row_major, shape).Union()));
          fbs::FinishDirectoryBuffer(
              b, fbs::CreateDirectory(b, 0, 0, 0, 4096, 128, 0, 0x2d06800538d394c2u, b.CreateVector(objects)));
          file.resize(128);
          poke<std::uint64_t>(file, 24, 128);
          replace_directory(file, {reinterpret_cast<const std::byte*>(b.GetBufferPointer()), b.GetSize()});
          return file;
        });
  add("D3", "one segment size fewer", "segment offsets and",
      directory([](fbs::DirectoryT& d) { d.segment_sizes.pop_back(); }));
  for (const std::uint32_t alignment : {0u, 2048u, 4097u, 0x400000u})
    l.add("D3", ("large alignment of " + std::to_string(alignment)).c_str(), "array/texts", door::open, errc::malformed,
          "large segments aligned to", directory([=](fbs::DirectoryT& d) { d.large_alignment = alignment; }));
  add("D4", "one digest more", "digest table", directory([](fbs::DirectoryT& d) { ++d.num_digests; }));
  add("D4", "digests beyond 2^61", "digest table",
      directory([](fbs::DirectoryT& d) { d.num_digests = ~std::uint64_t{0}; }));
  add("D4", "digest table 64 bytes later", "digest table",
      directory([](fbs::DirectoryT& d) { d.digests_offset += 64; }));
  add("D4", "a segment 64 bytes later", "segment 1", directory([](fbs::DirectoryT& d) { d.segment_offsets[1] += 64; }));
  add("D4", "a segment inside the header", "segment 0",
      directory([](fbs::DirectoryT& d) { d.segment_offsets[0] = 0; }));
  add("D4", "two segments at one place", "segment 1",
      directory([](fbs::DirectoryT& d) { d.segment_offsets[1] = d.segment_offsets[0]; }));
  add("D4", "a segment longer than the file", "segment 0",
      directory([](fbs::DirectoryT& d) { d.segment_sizes[0] = std::uint64_t{1} << 62; }));
  add("D4", "a segment of nearly 2^64 bytes", "segment 0",
      directory([](fbs::DirectoryT& d) { d.segment_sizes[0] = ~std::uint64_t{0}; }));
  add("D4", "a hole before the directory", "digest table", [](bytes file) {
    const auto at = static_cast<std::size_t>(load<std::uint64_t>(file, 3));
    file.insert(file.begin() + static_cast<std::ptrdiff_t>(at), 64, std::byte{});
    poke<std::uint64_t>(file, 16, file.size());
    poke<std::uint64_t>(file, 24, at + 64);
    reseal(file);
    return file;
  });
  add("D5", "nothing, but the reader allows one object", "2 objects, expected at most 1", raw([](bytes&) {}),
      errc::limit_exceeded);
  l.all.back().bounds.max_objects = 1;
  l.all.back().is_sound = true;
  add("D6", "an empty name", "object name of 0 bytes",
      directory([](fbs::DirectoryT& d) { d.objects[0]->name.clear(); }));
  add("D6", "a name of 1025 bytes", "object name of 1025 bytes",
      directory([](fbs::DirectoryT& d) { d.objects[0]->name.assign(1025, 'a'); }));
  add("D6", "names in descending order", "expected names in ascending order",
      directory([](fbs::DirectoryT& d) { std::swap(d.objects[0]->name, d.objects[1]->name); }));
  add("D6", "a name twice", "expected names in ascending order",
      directory([](fbs::DirectoryT& d) { d.objects[1]->name = d.objects[0]->name; }));
  add("D7", "segments past the last", "are past the file's",
      directory([](fbs::DirectoryT& d) { d.objects[0]->num_segments = 9; }));
  add("D7", "first segment near 2^32", "are past the file's",
      directory([](fbs::DirectoryT& d) { d.objects[0]->first_segment = 0xffffffff; }));
  add("D7", "a segment of two owners", "belongs to another object too",
      directory([](fbs::DirectoryT& d) { d.objects[0]->first_segment = d.objects[1]->first_segment; }));
  add("D7", "a segment without owner", "objects own",
      directory([](fbs::DirectoryT& d) { d.objects[0]->num_segments = 1; }));
}

void add_arrays(list& l) {
  // columns (2, 3, 4), empty (0, 3), items 3 of 5 bytes, one ().
  enum { columns, empty, items, one };
  const auto add = [&](const char* rule, const char* name, const char* says, edit_bytes edit,
                       errc code = errc::malformed) {
    l.add(rule, name, "array/orders", door::object, code, says, std::move(edit));
  };
  const auto ask = [&](const char* rule, const char* name, errc code, const char* says, edit_bytes edit,
                       std::function<void(const file&)> what) {
    l.add(rule, name, "array/orders", door::object, code, says, std::move(edit));
    l.all.back().ask = std::move(what);
    l.all.back().is_sound = true;
  };
  const auto nothing = raw([](bytes&) {});
  ask("O1", "nothing, but a name is asked for that is not there", errc::not_found, "object \"nine\": no such object",
      nothing, [](const file& from) { (void)from.array("nine"); });
  ask("O2", "an unknown required feature of an object", errc::unsupported, "its kind is not known",
      directory([](fbs::DirectoryT& d) { d.objects[0]->required_features = 1; }),
      [](const file& from) { (void)from.array("columns"); });
  ask("O2", "an object of no kind", errc::unsupported, "its kind is not known",
      directory([](fbs::DirectoryT& d) { d.objects[0]->description.Reset(); }),
      [](const file& from) { (void)from.array("columns"); });
  ask("O3", "nothing, but an array is asked for as a forest", errc::wrong_type, "is of kind array, expected forest",
      nothing, [](const file& from) { (void)from.forest("columns"); });
  ask("O3", "nothing, but float64 is asked for as float32", errc::wrong_type, "elements are of type float64", nothing,
      [](const file& from) { (void)from.array<float>("columns"); });
  add("A1", "element type 0", "element type 0",
      array(columns, [](auto& a, auto&) { a.element_type = fbs::ElementType::none; }), errc::unsupported);
  add("A1", "element type 18", "element type 18",
      array(columns, [](auto& a, auto&) { a.element_type = static_cast<fbs::ElementType>(18); }), errc::unsupported);
  add("A1", "order 2", "axis order 2", array(columns, [](auto& a, auto&) { a.order = static_cast<fbs::Order>(2); }),
      errc::unsupported);
  add("A2", "33 axes", "33 axes", array(columns, [](auto& a, auto&) { a.shape.assign(33, 1); }));
  add("A3", "items of 0 bytes", "item size 0", array(items, [](auto& a, auto&) { a.item_size = 0; }));
  add("A3", "numbers with an item size", "item size 8", array(columns, [](auto& a, auto&) { a.item_size = 8; }));
  add("A4", "one long axis in column-major order", "column-major order",
      array(items, [](auto& a, auto&) { a.order = fbs::Order::column_major; }));
  l.add("A4", "strings in column-major order", "array/texts", door::object, errc::malformed, "column-major order",
        array(1, [](auto& a, auto&) { a.order = fbs::Order::column_major; }));
  add("A5", "an array without a segment", "0 segments, expected 1", parts([](stone_file& s) {
        s.segments.erase(s.segments.begin() + s.directory.objects[columns]->first_segment);
        for (auto& object : s.directory.objects)
          if (object->first_segment > s.directory.objects[columns]->first_segment)
            --object->first_segment;
        s.directory.objects[columns]->num_segments = 0;
      }));
  l.add("A5", "strings of numbers' one segment", "array/numbers", door::object, errc::malformed,
        "1 segments, expected 2", array(0, [](auto& a, auto&) { a.element_type = fbs::ElementType::string; }));
  add("A6", "one element more than the segment", "bytes", array(columns, [](auto& a, auto&) {
        a.shape = {25};
        a.order = fbs::Order::row_major;
      }));
  add("A6", "one element fewer than the segment", "bytes", array(columns, [](auto& a, auto&) {
        a.shape = {23};
        a.order = fbs::Order::row_major;
      }));
  add("A6", "a shape whose product wraps to the size", "2^63", array(columns, [](auto& a, auto&) {
        a.shape = {std::uint64_t{1} << 32, std::uint64_t{1} << 32};
      }));
  l.all.back().says = "";
  add("A6", "2^63 bytes", "", array(columns, [](auto& a, auto&) {
        a.shape = {std::uint64_t{1} << 60, 1};
        a.order = fbs::Order::row_major;
      }));
  const auto strings = [&](const char* rule, const char* name, door where, const char* says, edit_bytes edit) {
    l.add(rule, name, "array/texts", where, errc::malformed, says, std::move(edit));
  };
  // words: "a", "", "b\xc3\xbc", "word"; their ends are 1, 1, 4, 8 in the first segment.
  const auto ends = [](std::size_t i, std::uint64_t end) {
    return parts([=](stone_file& s) { store(s.segments[0], i, end); });
  };
  strings("A7", "an end before the one before", door::object, "string 1", ends(1, 0));
  strings("A7", "an end past the text", door::object, "string 3", ends(3, 9));
  strings("A7", "an end near 2^64", door::object, "string 2", ends(2, ~std::uint64_t{0}));
  strings("V2", "last end before the end of the text", door::verify, "7", ends(3, 7));
  strings("V2", "a string that is no UTF-8", door::verify, "UTF-8",
          parts([](stone_file& s) { s.segments[1][0] = std::byte{0xff}; }));
}

void add_values(list& l) {
  const auto add = [&](const char* rule, const char* name, errc code, const char* says, edit_bytes edit) {
    l.add(rule, name, "value/nested", door::object, code, says, std::move(edit));
  };
  add("X1", "a value of one segment", errc::malformed, "1 segments, expected 2", parts([](stone_file& s) {
        s.segments.pop_back();
        s.directory.objects[0]->num_segments = 1;
      }));
  l.add("X1", "a record of two segments", "record/config", door::object, errc::malformed, "2 segments, expected 1",
        parts([](stone_file& s) {
          s.segments.emplace_back();
          s.directory.objects[0]->num_segments = 2;
        }));
  add("X2", "17 bytes of nodes", errc::malformed, "expected a multiple of 16",
      parts([](stone_file& s) { s.segments[0].resize(17); }));
  l.add("X2", "a record of 7 bytes", "record/config", door::object, errc::malformed, "record of 7 bytes",
        parts([](stone_file& s) { s.segments[0].resize(7); }));
  add("X3", "no node", errc::malformed, "no node", parts([](stone_file& s) { s.segments[0].clear(); }));
  add("X4", "a value of kind 0", errc::unsupported, "values of kind 0", value_node_at(3, [](auto& n) { n.kind = 0; }));
  add("X4", "a value of kind 10", errc::unsupported, "values of kind 10",
      value_node_at(3, [](auto& n) { n.kind = 10; }));
  add("X5", "values behind the whole value", errc::malformed, "follows the whole value", value_node_at(0, [](auto& n) {
        n = {1, 0, 0};
      }));
  // 0 dict, 1 "a", 2 list, 3 integer, 4 real, 5 boolean, 6 null, 7 "b", 8 dict, ...
  add("X6", "a text that begins late", errc::malformed, "expected them at 0",
      value_node_at(1, [](auto& n) { n.payload = 1; }));
  add("X6", "a text past the end", errc::malformed, "to end by", value_node_at(1, [](auto& n) { n.size = 5000; }));
  add("X7", "a text of a value that is no UTF-8", errc::malformed, "not valid UTF-8",
      parts([](stone_file& s) { s.segments[1][0] = std::byte{0xff}; }));
  add("X7", "a big integer of one byte", errc::malformed, "big integer of 1 bytes",
      value_node_at(1, [](auto& n) { n.kind = 4; }));
  add("X8", "a list with one value more", errc::malformed, "values", value_node_at(2, [](auto& n) { ++n.size; }));
  add("X8", "a list with one value fewer", errc::malformed, "to come", value_node_at(2, [](auto& n) { --n.size; }));
  add("X8", "a list that reaches beyond its dict", errc::malformed, "are left",
      value_node_at(2, [](auto& n) { n.payload = 5000; }));
  add("X8", "a list that ends inside its values", errc::malformed, "values",
      value_node_at(2, [](auto& n) { --n.payload; }));
  add("X8", "a dict of 2^32 entries", errc::malformed, "values in",
      value_node_at(0, [](auto& n) { n.size = 0xffffffff; }));
  add("X8", "lists nested 501 deep", errc::malformed, "nested more than 500 deep", parts([](stone_file& s) {
        s.segments[0].resize(502 * 16);
        for (std::size_t i = 0; i < 501; ++i)
          store(s.segments[0], i, value_node{8, 1, 501 - i});
        store(s.segments[0], 501, value_node{1, 0, 0});
        s.segments[1].clear();
      }));
  add("X9", "an integer with a size", errc::malformed, "integer with size 1",
      value_node_at(3, [](auto& n) { n.size = 1; }));
  add("X9", "a null with a payload", errc::malformed, "payload 1", value_node_at(6, [](auto& n) { n.payload = 1; }));
  add("X9", "a boolean of 2", errc::malformed, "payload 2", value_node_at(5, [](auto& n) { n.payload = 2; }));
  add("X10", "a byte that no text has", errc::malformed, "bytes to be used",
      parts([](stone_file& s) { s.segments[1].push_back({}); }));
}

// The attributes of the first object, which are 21 nodes.
template <class F>
edit_bytes attributes(F change) {
  return parts([=](stone_file& s) {
    fbs::ObjectT& object = *s.directory.objects.at(with_attributes);
    std::vector<value_node> nodes(object.attribute_nodes.size() / 2);
    std::memcpy(nodes.data(), object.attribute_nodes.data(), nodes.size() * sizeof(value_node));
    change(nodes, object.attribute_bytes);
    object.attribute_nodes.resize(nodes.size() * 2);
    std::memcpy(object.attribute_nodes.data(), nodes.data(), nodes.size() * sizeof(value_node));
  });
}

void add_attributes(list& l) {
  const auto add = [&](const char* rule, const char* name, const char* says, edit_bytes edit,
                       errc code = errc::malformed) {
    l.add(rule, name, "container/attributes", door::object, code, says, std::move(edit));
  };
  const auto of_object = [](auto change) {
    return parts([=](stone_file& s) { change(*s.directory.objects.at(with_attributes)); });
  };
  add("T1", "attributes of half a node more", "numbers, expected 2 a node",
      of_object([](fbs::ObjectT& o) { o.attribute_nodes.push_back(1); }));
  add("T1", "bytes of attributes without nodes", "no node",
      of_object([](fbs::ObjectT& o) { o.attribute_nodes.clear(); }));
  add("T2", "an attribute of kind 10", "values of kind 10", attributes([](auto& nodes, auto&) { nodes[2].kind = 10; }),
      errc::unsupported);
  add("T2", "a text of attributes past the end", "to end by",
      attributes([](auto& nodes, auto&) { nodes[2].size = 5000; }));
  add("T2", "a text of attributes that is no UTF-8", "not valid UTF-8",
      attributes([](auto&, auto& texts) { texts[0] = 0xff; }));
  add("T2", "a byte that no attribute has", "bytes to be used",
      attributes([](auto&, auto& texts) { texts.push_back('x'); }));
  add("T2", "one attribute more than there are", "22 values in 20 nodes",
      attributes([](auto& nodes, auto&) { nodes[0].size = 11; }));
  add("T3", "attributes that are a list", "of kind list, expected a dict", attributes([](auto& nodes, auto&) {
        nodes[0].kind = 8;
        nodes[0].size *= 2;
      }));
  add("T3", "an attribute whose name is a number", "of kind integer, expected texts",
      attributes([](auto& nodes, auto& texts) {
        nodes.assign({value_node{9, 1, 2}, value_node{3, 0, 1}, value_node{3, 0, 1}});
        texts.clear();
      }));
  l.add("D2", "attributes at a multiple of 4", "container/attributes", door::open, errc::malformed,
        "attribute_nodes is not aligned to 8", [](bytes file) {
          // As with the segment sizes: the length moves over half of the first number.
          const auto at = static_cast<std::size_t>(load<std::uint64_t>(file, 3));
          const auto* object = fbs::GetDirectory(file.data() + at)->objects()->Get(with_attributes);
          const auto* nodes = object->attribute_nodes();
          const auto where = static_cast<std::size_t>(reinterpret_cast<const std::byte*>(nodes) - file.data());
          const auto* field =
              reinterpret_cast<const flatbuffers::Table*>(object)->GetAddressOf(fbs::Object::VT_ATTRIBUTE_NODES);
          const auto field_at = static_cast<std::size_t>(field - reinterpret_cast<const std::uint8_t*>(file.data()));
          poke<std::uint32_t>(file, where + 4, nodes->size() - 1);
          poke<std::uint32_t>(file, field_at, static_cast<std::uint32_t>(where + 4 - field_at));
          reseal(file);
          return file;
        });
  l.add("D2", "attributes of three objects share all bytes", "container/attributes", door::open, errc::malformed,
        "attribute_nodes claims", [](bytes file) {
          namespace fb = flatbuffers;
          fb::FlatBufferBuilder b;
          const auto nodes = b.CreateVector(std::vector<std::uint64_t>(80, 1));
          const auto value = fbs::CreateValue(b).Union();
          std::vector<fb::Offset<fbs::Object>> objects;
          for (const char* name : {"a", "b", "c"})
            objects.push_back(
                fbs::CreateObject(b, b.CreateString(name), fbs::Description::Value, value, 0, 0, 0, nodes));
          fbs::FinishDirectoryBuffer(
              b, fbs::CreateDirectory(b, 0, 0, 0, 4096, 128, 0, 0x2d06800538d394c2u, b.CreateVector(objects)));
          file.resize(128);
          poke<std::uint64_t>(file, 24, 128);
          replace_directory(file, {reinterpret_cast<const std::byte*>(b.GetBufferPointer()), b.GetSize()});
          return file;
        });
}

void add_forests(list& l) {
  const char* base = "forest/inline";
  const auto add = [&](const char* rule, const char* name, const char* says, edit_bytes edit,
                       errc code = errc::malformed) {
    l.add(rule, name, base, door::object, code, says, std::move(edit));
  };
  const auto unsupported = [&](const char* rule, const char* name, const char* says, edit_bytes edit) {
    add(rule, name, says, std::move(edit), errc::unsupported);
  };
  using F = fbs::ForestT;
  unsupported("F1", "task 0", "task 0", forest([](F& f) { f.task = fbs::Task::none; }));
  unsupported("F1", "task 5", "task 5", forest([](F& f) { f.task = static_cast<fbs::Task>(5); }));
  base = "forest/two_outputs";
  add("F2", "a column name fewer", "column names", forest([](F& f) {
        f.column_name_ends.pop_back();
        f.column_name_bytes.resize(f.column_name_ends.back());
      }));
  add("F2", "column name ends descend", "column names",
      forest([](F& f) { std::swap(f.column_name_ends[0], f.column_name_ends[1]); }));
  add("F2", "a column name past the bytes", "column names", forest([](F& f) { f.column_name_ends.back() = 400; }));
  add("F2", "bytes behind the last column name", "column names",
      forest([](F& f) { f.column_name_bytes.push_back('x'); }));
  add("F2", "a column name that is no UTF-8", "UTF-8", forest([](F& f) { f.column_name_bytes[0] = 0xff; }));
  base = "forest/inline";
  add("F2", "a layout note that is no UTF-8", "UTF-8", forest([](F& f) { f.layout_note_bytes.at(0) = 0xff; }));
  add("F2", "a layout note past the bytes", "layout notes", forest([](F& f) { f.layout_note_ends.back() = 4000; }));
  add("F2", "a segment role fewer", "segment roles", forest([](F& f) { f.segment_roles.pop_back(); }));
  add("F2", "a segment layout more", "segment layouts", forest([](F& f) { f.segment_layouts.push_back(0); }));
  // A segment of any role, added behind the forest's own.
  const auto with_segment = [](std::uint8_t role, std::uint8_t layout, std::size_t size) {
    return parts([=](stone_file& s) {
      F& f = *s.directory.objects[0]->description.AsForest();
      f.segment_roles.push_back(static_cast<fbs::SegmentRole>(role));
      f.segment_layouts.push_back(layout);
      s.segments.emplace_back(size);
      ++s.directory.objects[0]->num_segments;
    });
  };
  // A layout of any kind beside the base layout.
  const auto with_layout = [](std::uint8_t kind) {
    return forest([=](F& f) {
      f.layout_kinds.push_back(static_cast<fbs::LayoutKind>(kind));
      f.layout_slot_bits.push_back(0);
      f.layout_block_trees.push_back(0);
      f.layout_num_nodes.push_back(0);
    });
  };
  unsupported("F3", "a segment of role 0", "role 0", with_segment(0, 255, 8));
  unsupported("F3", "a segment of role 18", "role 18", with_segment(18, 255, 8));
  unsupported("F3", "a segment of role 63", "role 63", with_segment(63, 0, 0));
  add("F4", "nodes of no layout", "belongs to layout 255", forest([](F& f) { f.segment_layouts[0] = 255; }));
  add("F4", "nodes of layout 1", "belongs to layout 1", forest([](F& f) { f.segment_layouts[0] = 1; }));
  add("F4", "blocks of layout 1, which is dense", "belongs to layout 1", [=](bytes file) {
    // Behind the blocks that count.
    return with_segment(2, 1, 4)(with_layout(3)(std::move(file)));
  });
  add("F4", "dense cuts of layout 0", "belongs to layout 0", with_segment(15, 0, 64));
  add("F4", "dense cuts of no layout", "belongs to layout 255", with_segment(15, 255, 64));
  add("F4", "a second layout of kind 0", "layout 1 of kind 0", with_layout(0));
  add("F4", "a second layout of kind 2", "layout 1 of kind 2", with_layout(2));
  add("F4", "cuts of a layout", "belongs to layout 0", with_segment(7, 0, 8));
  add("F4", "an attribute without name and type", "attribute", with_segment(64, 0, 8));
  add("F4", "a segment of role 70 in layout 9", "belongs to layout 9", with_segment(70, 9, 8));
  add("F4", "a name without attribute", "attribute", forest([](F& f) {
        f.attribute_name_ends = {1};
        f.attribute_name_bytes = {'x'};
        f.attribute_types = {fbs::ElementType::int8};
      }));
  add("F4", "bytes behind the last attribute name", "attribute names",
      forest([](F& f) { f.attribute_name_bytes = {'x'}; }));
  add("F4", "no layout", "layout", forest([](F& f) {
        f.layout_kinds.clear();
        f.layout_slot_bits.clear();
        f.layout_block_trees.clear();
        f.layout_num_nodes.clear();
      }));
  add("F4", "layout slot bits missing", "slot bits", forest([](F& f) { f.layout_slot_bits.clear(); }));
  add("F4", "a second block size", "block sizes", forest([](F& f) { f.layout_block_trees.push_back(8); }));
  add("F4", "a second node count", "node counts", forest([](F& f) { f.layout_num_nodes.push_back(8); }));
  unsupported("F5", "a base layout of kind 4", "base layout 4",
              forest([](F& f) { f.layout_kinds[0] = static_cast<fbs::LayoutKind>(4); }));
  add("F6", "a base layout of kind 0", "base layout 0",
      forest([](F& f) { f.layout_kinds[0] = fbs::LayoutKind::none; }));
  add("F6", "a dense base layout", "base layout 3", forest([](F& f) { f.layout_kinds[0] = fbs::LayoutKind::dense; }));
  add("F6", "9 slot bits", "9 slot bits", forest([](F& f) { f.layout_slot_bits[0] = 9; }));
  add("F6", "n16 with 8 slot bits", "n16 layout with 8",
      forest([](F& f) { f.layout_kinds[0] = fbs::LayoutKind::n16; }));
  add("F6", "two nodes more than the segment", "nodes in", forest([](F& f) { f.layout_num_nodes[0] += 2; }));
  add("F6", "nodes whose bytes wrap", "nodes in",
      forest([](F& f) { f.layout_num_nodes[0] += std::uint64_t{1} << 61; }));
  add("F6", "an odd number of nodes", "expected an even number", parts([](stone_file& s) {
        bytes& nodes = segment(s, fbs::SegmentRole::nodes);
        nodes.resize(nodes.size() - 8);
        --s.directory.objects[0]->description.AsForest()->layout_num_nodes[0];
      }));
  add("F7", "two segments of nodes", "two segments of nodes", with_segment(1, 0, 8));
  add("F7", "blocks of 3 bytes", "multiple of 4",
      parts([](stone_file& s) { segment(s, fbs::SegmentRole::blocks).resize(3); }));
  base = "forest/rank64";
  add("F7", "cuts of 12 bytes", "multiple of 8",
      parts([](stone_file& s) { segment(s, fbs::SegmentRole::cuts).resize(12); }));
  add("F7", "a leaf row cut off", "multiple of",
      parts([](stone_file& s) { segment(s, fbs::SegmentRole::leaf_values).pop_back(); }));
  base = "forest/inline";
  add("F8", "2^31 trees", "expected at most 2147483647", forest([](F& f) { f.num_trees = 0x80000000; }));
  add("F8", "blocks of 3 trees", "blocks of 3 trees", forest([](F& f) { f.layout_block_trees[0] = 3; }));
  add("F8", "blocks of 16 trees", "blocks of 16 trees", forest([](F& f) { f.layout_block_trees[0] = 16; }));
  add("F8", "9 trees in one block of 8", "1 blocks for 9 trees", forest([](F& f) { f.num_trees = 9; }));
  add("F8", "tree targets for one tree of three", "tree targets", with_segment(5, 255, 4));
  l.add("F9", "a table of role 9", base, door::object, errc::unsupported, "a table of role", with_segment(9, 255, 8));
  add("F10", "iteration ends descend", "iteration ends", forest([](F& f) { f.iteration_ends = {2, 1, 3}; }));
  add("F10", "an iteration past the last tree", "iteration ends", forest([](F& f) { f.iteration_ends = {4}; }));
  add("F10", "no slot", "0 slot columns", forest([](F& f) {
        f.slot_columns.clear();
        f.slot_kinds.clear();
        f.slot_missing.clear();
      }));
  add("F10", "a slot kind fewer", "kinds", forest([](F& f) { f.slot_kinds.pop_back(); }));
  add("F10", "a missing rule more", "missing rules",
      forest([](F& f) { f.slot_missing.push_back(fbs::MissingRule::left); }));
  base = "forest/rank64";
  add("F10", "a cut end fewer", "slot cut ends", forest([](F& f) { f.slot_cut_ends.pop_back(); }));
  add("F10", "a cut more than the last end says", "cuts, expected", parts([](stone_file& s) {
        bytes& cuts = segment(s, fbs::SegmentRole::cuts);
        cuts.resize(cuts.size() + 8);
      }));
  add("F10", "cuts without ends", "cuts, expected", forest([](F& f) { f.slot_cut_ends.clear(); }));
  base = "forest/inline";
  unsupported("F11", "a slot of kind 4", "slot 1: kind 4",
              forest([](F& f) { f.slot_kinds[1] = static_cast<fbs::SlotKind>(4); }));
  add("F10", "an iteration before the first", "best iteration -2", forest([](F& f) { f.best_iteration = -2; }));
  add("F12", "slot 0 of a column", "slot 0: kind 1", forest([](F& f) { f.slot_kinds[0] = fbs::SlotKind::float32; }));
  add("F12", "a second zero slot", "slot 1: kind 0", forest([](F& f) { f.slot_kinds[1] = fbs::SlotKind::zero; }));
  unsupported("F13", "missing rule 5", "missing rule 5",
              forest([](F& f) { f.slot_missing[1] = static_cast<fbs::MissingRule>(5); }));
  add("F14", "slot 0 with a column", "slot 0: column 1", forest([](F& f) { f.slot_columns[0] = 1; }));
  add("F14", "slot 0 with another rule", "slot 0", forest([](F& f) { f.slot_missing[0] = fbs::MissingRule::right; }));
  add("F14", "a slot of a column past the last", "expected less than", forest([](F& f) { f.num_columns = 1; }));
  add("F14", "a slot twice", "ascending order", forest([](F& f) {
        f.slot_columns[2] = f.slot_columns[1];
        f.slot_missing[2] = f.slot_missing[1];
        f.slot_kinds[2] = f.slot_kinds[1];
      }));
  base = "forest/rank64";
  add("F14", "cut ends descend", "cuts end at", forest([](F& f) { f.slot_cut_ends[1] = f.slot_cut_ends.back() + 1; }));
  add("F14", "cuts of a float32 slot", "cuts end at", forest([](F& f) { f.slot_kinds[1] = fbs::SlotKind::float32; }));
  base = "forest/integers";
  add("F15", "no output", "0 output widths", forest([](F& f) {
        f.output_widths.clear();
        f.output_num_classes.clear();
        f.output_types.clear();
      }));
  add("F15", "a class count more", "class counts", forest([](F& f) { f.output_num_classes.push_back(0); }));
  add("F15", "an output type more", "types", forest([](F& f) { f.output_types.push_back(fbs::ElementType::int8); }));
  add("F15", "an output of no sums", "0 sums", forest([](F& f) { f.output_widths[0] = 0; }));
  add("F15", "a start value fewer", "start values", forest([](F& f) { f.start.pop_back(); }));
  add("F15", "an output of 2^32 - 1 sums", "start values", forest([](F& f) { f.output_widths[0] = 0xffffffff; }));
  add("F15", "a parameter fewer", "parameters", forest([](F& f) { f.epilogue_parameters.pop_back(); }));
  add("F15", "an operation's column fewer", "columns", forest([](F& f) { f.epilogue_columns.pop_back(); }));
  add("F15", "more raw operations than there are", "of the raw score", forest([](F& f) { f.num_raw_ops = 3; }));
  unsupported("F16", "epilogue operation 0", "operation 0 is not known",
              forest([](F& f) { f.epilogue_ops[0] = fbs::EpilogueOp::none; }));
  unsupported("F16", "epilogue operation 20", "operation 20 is not known",
              forest([](F& f) { f.epilogue_ops[0] = static_cast<fbs::EpilogueOp>(20); }));
  base = "forest/softmax";
  add("F17", "an addition to a column past the last", "expected less than 3",
      forest([](F& f) { f.epilogue_columns[0] = 3; }));
  base = "forest/binary";
  add("F17", "a complement in the raw score", "number of columns", forest([](F& f) { f.num_raw_ops = 2; }));
  add("F17", "two complements", "number of columns",
      forest([](F& f) { f.epilogue_ops[0] = fbs::EpilogueOp::complement; }));
  add("F17", "a pair folded behind the raw score", "number of columns",
      forest([](F& f) { f.epilogue_ops[1] = fbs::EpilogueOp::fold_pair; }));
  base = "forest/integers";
  add("F17", "the complement of three columns", "on outputs of 3 columns",
      forest([](F& f) { f.epilogue_ops[1] = fbs::EpilogueOp::complement; }));
  base = "forest/integers";
  unsupported("F18", "a division of one column", "on column 1 alone", forest([](F& f) { f.epilogue_columns[0] = 1; }));
  const auto with_ops = [](fbs::EpilogueOp op, std::size_t count, std::uint32_t column) {
    return forest([=](F& f) {
      f.epilogue_ops.assign(count, op);
      f.epilogue_parameters.assign(count, 1);
      f.epilogue_columns.assign(count, column);
      f.num_raw_ops = 0;
    });
  };
  add("F19", "17 divisions", "17 others", with_ops(fbs::EpilogueOp::divide, 17, 0xffffffff));
  add("F19", "7 additions to 3 columns", "7 add operations", with_ops(fbs::EpilogueOp::add, 7, 0));
  base = "forest/inline";
  unsupported("F20", "sum kind 2", "sum kind 2", forest([](F& f) { f.sum_kind = fbs::SumKind::minimum; }));
  unsupported("F20", "sum kind 0", "sum kind 0", forest([](F& f) { f.sum_kind = fbs::SumKind::none; }));
  add("F21", "leaves of int32", "leaves of int32", forest([](F& f) { f.leaf_type = fbs::ElementType::int32; }));
  add("F21", "an accumulator of int8", "added as int8", forest([](F& f) { f.accumulator = fbs::ElementType::int8; }));
  base = "forest/rank64";
  add("F21", "float64 leaves added as float32", "added as float32",
      forest([](F& f) { f.accumulator = fbs::ElementType::float32; }));
  base = "forest/inline";
  unsupported("F22", "leaf form 0", "leaf form 0", forest([](F& f) { f.leaf_form = fbs::LeafForm::none; }));
  unsupported("F22", "sparse leaves", "leaf form 4", forest([](F& f) { f.leaf_form = fbs::LeafForm::sparse; }));
  base = "forest/sets";
  add("F2", "a column type fewer", "column types", forest([](F& f) {
        f.column_type_ends.pop_back();
        f.column_type_bytes.resize(f.column_type_ends.back());
      }));
  add("F30", "a column of a step fewer", "steps with 1 columns", forest([](F& f) { f.step_columns.pop_back(); }));
  add("F30", "a parameter of a step fewer", "parameters", forest([](F& f) { f.step_b.pop_back(); }));
  unsupported("F31", "a step of operation 12", "step 0: operation 12",
              forest([](F& f) { f.step_ops[0] = static_cast<fbs::StepOp>(12); }));
  unsupported("F31", "a step of operation 0", "step 0: operation 0",
              forest([](F& f) { f.step_ops[0] = fbs::StepOp::none; }));
  add("F32", "a step on a column past the last", "step 0: column 3", forest([](F& f) { f.step_columns[0] = 3; }));
  add("F32", "five steps on every column", "5 steps on every column", forest([](F& f) {
        f.step_ops.assign(5, fbs::StepOp::add);
        f.step_columns.assign(5, 0xffffffff);
        f.step_a.assign(5, 1);
        f.step_b.assign(5, 0);
      }));
  add("F32", "integers narrowed on one column", "step 0: narrow_integers on column",
      forest([](F& f) { f.step_ops[0] = fbs::StepOp::narrow_integers; }));
  add("F33", "a category rule fewer", "category rules", forest([](F& f) { f.category_rules.pop_back(); }));
  add("F33", "a known set more", "known sets", forest([](F& f) { f.category_known_sets.push_back(0); }));
  unsupported("F34", "category rule 7", "category rule 7",
              forest([](F& f) { f.category_rules[1] = static_cast<fbs::CategoryRule>(7); }));
  add("F35", "a category rule for the zero slot", "slot 0: category rule 1",
      forest([](F& f) { f.category_rules[0] = fbs::CategoryRule::xgboost; }));
  add("F35", "a slot of categories without a rule", "category rule 0", forest([](F& f) {
        for (std::size_t i = 0; i < f.category_rules.size(); ++i)
          f.category_rules[i] = fbs::CategoryRule::none;
      }));
  add("F35", "known categories past the words", "known categories at word 4000000000", forest([](F& f) {
        for (std::size_t i = 0; i < f.category_rules.size(); ++i)
          if (f.category_rules[i] == fbs::CategoryRule::listed)
            f.category_known_sets[i] = 4000000000;
      }));
  add("F35", "known categories of a rule that knows all", "with category rule 1", forest([](F& f) {
        for (std::size_t i = 0; i < f.category_rules.size(); ++i)
          if (f.category_rules[i] == fbs::CategoryRule::xgboost)
            f.category_known_sets[i] = 0;
      }));
  add("F35", "known categories of a slot of numbers", "known categories at word 0",
      forest([](F& f) { f.category_known_sets[0] = 0; }));
  add("F36", "words with an n8 layout", "category words with an n8 layout", parts([](stone_file& s) {
        F& f = *s.directory.objects[0]->description.AsForest();
        f.layout_kinds[0] = fbs::LayoutKind::n8;
        f.layout_slot_bits[0] = 8;
        f.layout_num_nodes[0] *= 2;
      }));
  add("F37", "a dictionary's end fewer", "columns with category names",
      forest([](F& f) { f.dictionary_ends.pop_back(); }));
  add("F37", "dictionaries in descending order", "expected ascending columns",
      forest([](F& f) { std::swap(f.dictionary_columns[0], f.dictionary_columns[1]); }));
  add("F37", "a dictionary of a column past the last", "expected ascending columns",
      forest([](F& f) { f.dictionary_columns[1] = 3; }));
  add("F37", "a dictionary past the names", "end at", forest([](F& f) { f.dictionary_ends[1] = 9; }));
  add("F37", "a name behind the last dictionary", "category names end at",
      forest([](F& f) { f.dictionary_ends[1] = f.dictionary_ends[0]; }));
  add("F38", "golden rows of int8", "golden rows of int8",
      forest([](F& f) { f.golden_type = fbs::ElementType::int8; }));
  base = "forest/inline";
  add("F38", "golden scores without rows", "golden rows", with_segment(66, 255, 8));
  base = "forest/golden";
  add("F38", "a golden score fewer", "golden rows", parts([](stone_file& s) {
        bytes& scores = segment(s, fbs::SegmentRole::golden_raw);
        scores.resize(scores.size() - 8);
      }));
  add("F38", "4097 golden rows", "4097 golden rows", parts([](stone_file& s) {
        segment(s, fbs::SegmentRole::golden_raw).resize(8 * 4097);
        segment(s, fbs::SegmentRole::golden_rows).resize(8 * 3 * 4097);
      }));
  l.add("V4", "a golden score that is another", base, door::verify, errc::corrupt, "golden row 2: raw score 0 is",
        number_in(fbs::SegmentRole::golden_raw, 2, 12345.0));
  base = "forest/linear";
  add("F39", "a linear leaf fewer", "linear leaves", parts([](stone_file& s) {
        bytes& ends = segment(s, fbs::SegmentRole::linear_ends);
        ends.resize(ends.size() - 4);
      }));
  add("F39", "a coefficient fewer", "coefficients", parts([](stone_file& s) {
        bytes& all = segment(s, fbs::SegmentRole::linear_coefficients);
        all.resize(all.size() - 8);
      }));
  add("F23", "linear leaves of one value", "leaves of 1 values", forest([](F& f) { f.leaf_width = 1; }));
  base = "forest/median";
  add("F40", "a tree weight fewer", "tree weights", parts([](stone_file& s) {
        bytes& all = segment(s, fbs::SegmentRole::tree_weights);
        all.resize(all.size() - 8);
      }));
  base = "forest/inline";
  add("F40", "weights of a sum", "tree weights", with_segment(6, 255, 24));
  base = "forest/inline";
  add("F41", "dense levels without a dense layout", "1 dense levels", forest([](F& f) { f.dense_levels = 1; }));
  base = "forest/dense";
  add("F41", "a dense layout of no levels", "dense layout of 0 levels", forest([](F& f) { f.dense_levels = 0; }));
  add("F41", "a dense layout of 7 levels", "dense layout of 7 levels", forest([](F& f) { f.dense_levels = 7; }));
  add("F41", "two dense layouts", "two dense layouts", with_layout(3));
  add("F41", "a dense layout with slot bits", "dense layout with 8 slot bits",
      forest([](F& f) { f.layout_slot_bits[1] = 8; }));
  add("F41", "a dense layout with blocks", "blocks of 8 trees", forest([](F& f) { f.layout_block_trees[1] = 8; }));
  add("F41", "a dense layout with nodes", "2 nodes, expected 0", forest([](F& f) { f.layout_num_nodes[1] = 2; }));
  add("F41", "a dense layout of a median", "leaves are not just added", parts([](stone_file& s) {
        F& f = *s.directory.objects[0]->description.AsForest();
        f.sum_kind = fbs::SumKind::weighted_median;
        f.segment_roles.push_back(fbs::SegmentRole::tree_weights);
        f.segment_layouts.push_back(255);
        s.segments.emplace_back(70 * 8);
        ++s.directory.objects[0]->num_segments;
      }));
  add("F42", "a level more than the tables have", "bytes of dense nodes", forest([](F& f) { f.dense_levels = 4; }));
  add("F42", "a dense leaf fewer", "559 leaves and 0 exits", parts([](stone_file& s) {
        bytes& leaves = segment(s, fbs::SegmentRole::dense_leaves);
        leaves.resize(leaves.size() - 4);
      }));
  add("F42", "dense cuts of 15", "lines of 16", parts([](stone_file& s) {
        bytes& cuts = segment(s, fbs::SegmentRole::dense_cuts);
        cuts.resize(cuts.size() - 4);
      }));
  add("F42", "257 dense features", "257 dense features",
      parts([](stone_file& s) { segment(s, fbs::SegmentRole::dense_features).resize(257 * 16); }));
  const auto dense_number = [](fbs::SegmentRole role, std::size_t i, std::uint32_t to) {
    return parts([=](stone_file& s) { store(segment(s, role), i, to); });
  };
  add("N7", "a dense feature of slot 0", "slot 0, expected 1", dense_number(fbs::SegmentRole::dense_features, 0, 0));
  add("N7", "a dense feature of a slot past the last", "slot 99, expected 1",
      dense_number(fbs::SegmentRole::dense_features, 0, 99));
  unsupported("N7", "a dense feature of operation 3", "operation 3 is not known",
              dense_number(fbs::SegmentRole::dense_features, 1, 3));
  add("N7", "a dense feature that is a set past the words", "category set at word 0",
      dense_number(fbs::SegmentRole::dense_features, 1, 1));
  add("N7", "dense cuts that begin elsewhere", "cuts from line 1",
      dense_number(fbs::SegmentRole::dense_features, 2, 1));
  add("N7", "256 cuts of a dense feature", "256 cuts from line 0",
      dense_number(fbs::SegmentRole::dense_features, 3, 256));
  add("N7", "a cut more than there are", "expected", parts([](stone_file& s) {
        bytes& features = segment(s, fbs::SegmentRole::dense_features);
        store(features, 3, load<std::uint32_t>(features, 3) + 1);
      }));
  add("N7", "dense cuts that do not ascend", "in ascending order", dense_number(fbs::SegmentRole::dense_cuts, 17, 0));
  add("N7", "an every 16th cut that is none", "of its first line", dense_number(fbs::SegmentRole::dense_cuts, 15, 1));
  add("N7", "a line of dense cuts that no feature has", "dense cuts", parts([](stone_file& s) {
        bytes& cuts = segment(s, fbs::SegmentRole::dense_cuts);
        cuts.resize(cuts.size() + 64);
      }));
  add("N8", "a dense node of a feature past the last", "feature 200",
      parts([](stone_file& s) { segment(s, fbs::SegmentRole::dense_nodes)[3] = std::byte{200}; }));
  add("N8", "a dense leaf past the leaf values", "payload 4000000000",
      dense_number(fbs::SegmentRole::dense_leaves, 5, 4000000000));
  l.add("V5", "a dense rank that is another", base, door::verify, errc::malformed, "nodes differ",
        parts([](stone_file& s) {
          bytes& nodes = segment(s, fbs::SegmentRole::dense_nodes);
          nodes[64] = nodes[64] == std::byte{0} ? std::byte{1} : std::byte{0};
        }));
  l.add("V5", "a dense leaf that is another", base, door::verify, errc::malformed, "leaves differ",
        parts([](stone_file& s) {
          bytes& leaves = segment(s, fbs::SegmentRole::dense_leaves);
          store(leaves, 0, load<std::uint32_t>(leaves, 0) ^ 1u);
        }));
  base = "forest/dense_top";
  add("F42", "a dense exit fewer", "exits, expected", parts([](stone_file& s) {
        bytes& exits = segment(s, fbs::SegmentRole::dense_exits);
        exits.resize(exits.size() - 4);
      }));
  add("F42", "dense leaves beside exits", "leaves and", parts([](stone_file& s) {
        F& f = *s.directory.objects[0]->description.AsForest();
        f.segment_roles.push_back(fbs::SegmentRole::dense_leaves);
        f.segment_layouts.push_back(1);
        s.segments.push_back(segment(s, fbs::SegmentRole::dense_exits));
        ++s.directory.objects[0]->num_segments;
      }));
  add("N8", "a dense exit past the last node", "node 4000000000",
      dense_number(fbs::SegmentRole::dense_exits, 5, 4000000000));
  l.add("V5", "a dense exit that is another", base, door::verify, errc::malformed, "exits differ",
        parts([](stone_file& s) {
          bytes& exits = segment(s, fbs::SegmentRole::dense_exits);
          store(exits, 0, load<std::uint32_t>(exits, 0) ^ 1u);
        }));
  base = "forest/inline";
  add("F23", "inline leaves of two values", "leaves of 2 values", forest([](F& f) { f.leaf_width = 2; }));
  add("F23", "inline leaves with a table", "inline leaves", with_segment(3, 255, 4));
  add("F23", "inline leaves of float64", "inline leaves of float64", forest([](F& f) {
        f.leaf_type = fbs::ElementType::float64;
        f.accumulator = fbs::ElementType::float64;
      }));
  base = "forest/integers";
  add("F23", "vector leaves of two values for three columns", "leaves of 2 values",
      forest([](F& f) { f.leaf_width = 2; }));
  base = "forest/stored_ids";
  unsupported("F24", "leaf ids 0", "leaf id rule 0", forest([](F& f) { f.leaf_ids = fbs::LeafIds::none; }));
  unsupported("F24", "leaf ids 4", "leaf id rule 4", forest([](F& f) { f.leaf_ids = static_cast<fbs::LeafIds>(4); }));
  const auto ids_of = [](std::size_t times, std::size_t fewer) {
    return parts([=](stone_file& s) {
      bytes& ids = segment(s, fbs::SegmentRole::leaf_ids);
      ids.resize(ids.size() * times - fewer);
    });
  };
  add("F25", "a stored leaf id fewer", "stored leaf ids", ids_of(1, 1));
  add("F25", "stored leaf ids of three bytes", "stored leaf ids", ids_of(3, 0));
  add("F25", "stored leaf ids of eight bytes", "stored leaf ids", ids_of(8, 0));
  add("F25", "stored leaf ids that are not there", "stored leaf ids", ids_of(0, 0));
  add("F25", "stored leaf ids that follow from the order", "stored leaf ids",
      forest([](F& f) { f.leaf_ids = fbs::LeafIds::preorder; }));
  base = "forest/paired_ids";
  add("F25", "a stored leaf id fewer, of pairs", "stored leaf ids", ids_of(1, 1));
  add("F25", "stored leaf ids of pairs, of eight bytes", "stored leaf ids", ids_of(8, 0));
  base = "forest/texts";
  add("F26", "label ends past the bytes", "labels", forest([](F& f) { f.label_text_ends.back() += 1; }));
  add("F26", "a label that is no UTF-8", "UTF-8", forest([](F& f) { f.label_text_bytes[0] = 0xff; }));
  add("F26", "an integer label fewer", "labels for 3 classes", forest([](F& f) { f.label_integers.pop_back(); }));
  add("F26", "a text label more", "labels for 3 classes",
      forest([](F& f) { f.label_text_ends.push_back(f.label_text_ends.back()); }));
  add("F26", "a real label alone", "labels for 3 classes", forest([](F& f) { f.label_reals = {1}; }));
  add("F26", "class counts of 2^32 - 1", "labels for 4294967295 classes",
      forest([](F& f) { f.output_num_classes[0] = 0xffffffff; }));
  add("F27", "text labels without texts", "no such labels", forest([](F& f) {
        f.label_text_ends.clear();
        f.label_text_bytes.clear();
      }));
  add("F27", "labels of float16", "output of type float16",
      forest([](F& f) { f.output_types[0] = fbs::ElementType::float16; }));
  add("F27", "a text label with an integer", "label 1", forest([](F& f) { f.label_integers[0] = 1; }));
  base = "forest/integers";
  add("F27", "a label that does not fit its type", "label -5",
      forest([](F& f) { f.output_types[0] = fbs::ElementType::uint8; }));
  add("F27", "real labels without reals", "", forest([](F& f) {
        f.output_types[0] = fbs::ElementType::float64;
        f.label_integers.assign(3, 0);
      }));
  base = "forest/booleans";
  add("F27", "a boolean label of 2", "label 2", forest([](F& f) { f.label_integers[1] = 2; }));
  base = "forest/inline";
  add("F27", "a number of type string", "output of type string",
      forest([](F& f) { f.output_types[0] = fbs::ElementType::string; }));
  base = "forest/integers";
  unsupported("F28", "decision 5", "decision rule 5", forest([](F& f) { f.decision = static_cast<fbs::Decision>(5); }));
  add("F29", "a cut of three raw columns", "cut of 3 raw columns",
      forest([](F& f) { f.decision = fbs::Decision::cut_raw; }));
  add("F29", "labels without decision", "3 classes", forest([](F& f) { f.decision = fbs::Decision::none; }));
  base = "forest/inline";
  add("F29", "a decision without labels", "0 classes", forest([](F& f) { f.decision = fbs::Decision::argmax_raw; }));
}

void add_nodes(list& l) {
  const auto add = [&](const char* rule, const char* name, const char* base, const char* says, edit_bytes edit,
                       errc code = errc::malformed,
                       door where = door::object) { l.add(rule, name, base, where, code, says, std::move(edit)); };
  using fbs::SegmentRole;
  using word = std::uint32_t;
  add("N1", "the first block begins at pair 1", "forest/inline", "begins at node 2",
      number_in<word>(SegmentRole::blocks, 0, 1));
  add("N1", "a block past the last node", "forest/two_blocks", "begins at node",
      number_in<word>(SegmentRole::blocks, 1, 0x7fffffff));
  add("N1", "a block inside the roots of the one before", "forest/two_blocks", "begins at node 6",
      number_in<word>(SegmentRole::blocks, 1, 3));
  add("N1", "nodes without a tree", "forest/inline", "but no tree", parts([](stone_file& s) {
        s.directory.objects[0]->description.AsForest()->num_trees = 0;
        segment(s, SegmentRole::blocks).clear();
      }));
  add("N1", "a tree target past the last column", "forest/softmax", "target 3",
      number_in<word>(SegmentRole::tree_targets, 0, 3));
  add("N1", "a cut twice", "forest/rank64", "expected cuts in ascending order", parts([](stone_file& s) {
        const auto& ends = s.directory.objects[0]->description.AsForest()->slot_cut_ends;
        std::size_t slot = 1;
        while (ends.at(slot) < ends.at(slot - 1) + 2)
          ++slot;
        bytes& cuts = segment(s, SegmentRole::cuts);
        store(cuts, ends[slot - 1], load<double>(cuts, ends[slot - 1] + 1));
      }));
  add("N1", "a cut that is NaN", "forest/rank64", "expected cuts in ascending order",
      number_in(SegmentRole::cuts, 0, nan));
  add("N2", "operation 1 of a node", "forest/inline", "operation 1", parts([](stone_file& s) {
        widen(s);
        bytes& nodes = segment(s, SegmentRole::nodes);
        auto n = load<node16>(nodes, 0);
        n.op = 1;
        store(nodes, 0, n);
      }),
      errc::unsupported);
  // The first n16 node that tests a set (or, without, the first that compares numbers).
  const auto node16_at = [](bool with_set, auto change) {
    return parts([=](stone_file& s) {
      bytes& nodes = segment(s, SegmentRole::nodes);
      for (std::size_t i = 0; i < nodes.size() / sizeof(node16); ++i) {
        auto n = load<node16>(nodes, i);
        if (n.offset == 0 || (n.op != 0) != with_set)
          continue;
        change(n);
        store(nodes, i, n);
        return;
      }
    });
  };
  add("N2", "operation 3 of a node", "forest/sets", "operation 3", node16_at(true, [](node16& n) { n.op = 3; }),
      errc::unsupported);
  add("N6", "a set past the words", "forest/sets", "category set at word 70000",
      node16_at(true, [](node16& n) { n.value = 70000; }));
  add("N6", "a set longer than the words", "forest/sets", "category set at word", parts([](stone_file& s) {
        const bytes& nodes = segment(s, SegmentRole::nodes);
        for (std::size_t i = 0; i < nodes.size() / sizeof(node16); ++i)
          if (const auto n = load<node16>(nodes, i); n.op != 0)
            store(segment(s, SegmentRole::category_words), n.value, word{0xffffffff});
      }));
  add("N6", "a set at a leaf", "forest/sets", "at a leaf", parts([](stone_file& s) {
        bytes& nodes = segment(s, SegmentRole::nodes);
        std::size_t i = 0;
        while (load<node16>(nodes, i).offset != 0)
          ++i;
        auto n = load<node16>(nodes, i);
        n.op = 1;
        store(nodes, i, n);
      }));
  add("N1", "ends of linear leaves descend", "forest/linear", "terms end at",
      number_in<word>(SegmentRole::linear_ends, 0, 0x7fffffff));
  add("N1", "a linear term of a column past the last", "forest/linear", "linear term 0: column 3",
      number_in<word>(SegmentRole::linear_columns, 0, 3));
  add("V3", "a set on a slot of numbers", "forest/sets", "expected a comparison",
      node16_at(false,
                [](node16& n) {
                  n.op = 1;
                  n.value = 0;
                }),
      errc::malformed, door::verify);
  add("V3", "a comparison on a slot of categories", "forest/sets", "expected a set",
      node16_at(true, [](node16& n) { n.op = 0; }), errc::malformed, door::verify);
  add("N3", "a leaf that tests a slot", "forest/inline", "has no children",
      first_node(true, [](auto&, auto& slot, auto&) { slot = 1; }));
  add("N3", "a payload past the last leaf row", "forest/scalar", "leaf payload",
      first_node(true, [](auto& value, auto&, auto&) { value = 100; }));
  add("N3", "a payload in the unused root", "forest/integers", "leaf payload",
      node(3, [](auto& value, auto&, auto&) { value = 100; }));
  add("N4", "a split on slot 0", "forest/inline", "split on slot 0",
      first_node(false, [](auto&, auto& slot, auto&) { slot = 0; }));
  add("N4", "a split on a slot past the last", "forest/inline", "tests slot 255",
      first_node(false, [](auto&, auto& slot, auto&) { slot = 255; }));
  add("N4", "a split that no key passes", "forest/inline", "compares with 4294967295",
      first_node(false, [](auto& value, auto&, auto&) { value = 0xffffffff; }));
  add("N5", "a child past the last node", "forest/inline", "past the block's nodes",
      first_node(false, [](auto&, auto&, auto& offset) { offset = 0xfffffe; }));
  add("N5", "a child in the next block", "forest/two_blocks", "past the block's nodes", [](bytes file) {
    stone_file s = apart(file);
    const auto begin = 2 * load<word>(segment(s, SegmentRole::blocks), 1);
    std::size_t i = 0;
    while (load<node8>(segment(s, SegmentRole::nodes), i).meta == 0)
      ++i;
    return node(i, [=](auto&, auto&, auto& offset) { offset = begin - static_cast<word>(i); })(std::move(file));
  });
  add("N5", "a child at an odd node", "forest/inline", "expected an even node",
      first_node(false, [](auto&, auto&, auto& offset) { ++offset; }));
  // Two splits with the same children: a walk ends, but ids and attributes mean nothing.
  const auto shared_children = [](stone_file& s) {
    bytes& nodes = segment(s, SegmentRole::nodes);
    std::vector<std::size_t> splits;
    for (std::size_t i = 0; i < nodes.size() / 8; ++i)
      if (load<node8>(nodes, i).meta != 0)
        splits.push_back(i);
    const std::size_t a = splits.at(0);
    const std::size_t b = splits.at(1);
    const auto of_a = load<node8>(nodes, a);
    auto of_b = load<node8>(nodes, b);
    of_b.meta = static_cast<word>(a + (of_a.meta >> 8) - b) << 8 | (of_b.meta & 255);
    if (a + (of_a.meta >> 8) <= b)
      of_b.meta = 0;
    store(nodes, b, of_b);
  };
  add("V3", "two parents of a pair", "forest/two_blocks", "has another parent too", parts(shared_children),
      errc::malformed, door::verify);
  add("V3", "a pair without a parent", "forest/stored_ids", "has no parent",
      first_node(false,
                 [](auto& value, auto& slot, auto& offset) {
                   value = 0;
                   slot = 0;
                   offset = 0;
                 }),
      errc::malformed, door::verify);
  add("V3", "an unused root that is not zero", "forest/inline", "the unused root",
      node(3, [](auto& value, auto&, auto&) { value = 1; }), errc::malformed, door::verify);
  add("V3", "trees whose pairs are not in the order of trees", "forest/two_blocks", "pre-order",
      parts([](stone_file& s) {
        bytes& nodes = segment(s, SegmentRole::nodes);
        std::vector<std::size_t> roots; // of the first block, that have pairs
        for (std::size_t i = 0; i < 8; ++i)
          if (left_of(nodes, i) != 0)
            roots.push_back(i);
        exchange(nodes, roots.at(0), roots.at(1));
      }),
      errc::malformed, door::verify);
  add("V3", "a subtree whose pairs do not lie together", "forest/dense", "pre-order", parts([](stone_file& s) {
        bytes& nodes = segment(s, SegmentRole::nodes);
        for (const std::size_t left : pairs_of_splits(nodes))
          for (const std::size_t child : {left_of(nodes, left), left_of(nodes, left) + 1})
            if (left_of(nodes, child) != 0)
              return exchange(nodes, child, left + 1);
        throw std::logic_error("the sample has no such split");
      }),
      errc::malformed, door::verify);
}

void add_verify(list& l) {
  const auto add = [&](const char* name, const char* base, const char* says, edit_bytes edit) {
    l.add("V1", name, base, door::verify, errc::corrupt, says, std::move(edit));
  };
  add("a byte of a segment", "array/numbers", "segment 0", raw([](bytes& b) { b[128] ^= std::byte{1}; }));
  add("a byte of the gap behind a segment", "array/numbers", "padding",
      raw([](bytes& b) { b[128 + 60] = std::byte{1}; }));
  add("a digest", "array/numbers", "checksum", raw([](bytes& b) {
        const stone_file s = apart(b);
        b[s.directory.digests_offset] ^= std::byte{1};
      }));
  add("the digest table's checksum", "array/numbers", "digest table",
      directory([](fbs::DirectoryT& d) { d.digests_checksum ^= 1; }));
}

// What readers do not check: the file opens, every use ends, and verify finds nothing.
void add_expected_of_writers(list& l) {
  const auto add = [&](const char* rule, const char* name, const char* base, edit_bytes edit) {
    l.add(rule, name, base, door::nobody, errc::malformed, "", std::move(edit));
  };
  using F = fbs::ForestT;
  enum { i2, i4, u1 };
  add("W1", "a bool8 of 2", "array/others", array(u1, [](auto& a, auto& s) {
        a.element_type = fbs::ElementType::bool8;
        s.segments[s.directory.objects[u1]->first_segment][0] = std::byte{2};
      }));
  add("W1", "real labels where integers count", "forest/integers", forest([](F& f) { f.label_reals = {1, 2, 3}; }));
  add("W2", "another split value", "forest/inline",
      first_node(false, [](auto& value, auto&, auto&) { value = 12345; }));
  add("W3", "a layout of 16 byte nodes for a small forest", "forest/inline", parts(widen));
  add("W3", "a right subtree before the left one", "forest/inline", parts([](stone_file& s) {
        bytes& nodes = segment(s, fbs::SegmentRole::nodes);
        const std::size_t left = pairs_of_splits(nodes).at(0);
        exchange(nodes, left, left + 1);
      }));
  add("W4", "two equal leaf rows", "forest/scalar", parts([](stone_file& s) {
        bytes& rows = segment(s, fbs::SegmentRole::leaf_values);
        std::copy(rows.begin(), rows.begin() + 8, rows.begin() + 8);
      }));
  add("W5", "stored ids of nodes that are no leaves", "forest/stored_ids",
      number_in<std::uint8_t>(fbs::SegmentRole::leaf_ids, 0, 77));
  add("W5", "stored ids that are wider than they need be", "forest/stored_ids", parts([](stone_file& s) {
        bytes& ids = segment(s, fbs::SegmentRole::leaf_ids);
        bytes wide(2 * ids.size());
        for (std::size_t i = 0; i < ids.size(); ++i)
          wide[2 * i] = ids[i];
        ids = wide;
      }));
  add("W6", "a parameter that is not read", "forest/integers", forest([](F& f) { f.epilogue_parameters[1] = 5; }));
  add("W7", "an empty vector that is there", "forest/inline",
      forest([](F& f) { f.slot_cut_ends.assign(f.slot_columns.size(), 0); }));
  add("W8", "segments in another order", "forest/inline", parts([](stone_file& s) {
        F& f = *s.directory.objects[0]->description.AsForest();
        std::swap(s.segments[0], s.segments[1]);
        std::swap(f.segment_roles[0], f.segment_roles[1]);
        std::swap(f.segment_layouts[0], f.segment_layouts[1]);
      }));
  add("W9", "a time as producer", "array/numbers",
      directory([](fbs::DirectoryT& d) { d.producer = "2026-11-24 08:00"; }));
  add("W11", "a key twice", "value/nested", parts([](stone_file& s) {
        // {"a": 1, "a": 1}: the second text's bytes are its own.
        s.segments[0].resize(5 * 16);
        store(s.segments[0], 0, value_node{9, 2, 4});
        store(s.segments[0], 1, value_node{6, 1, 0});
        store(s.segments[0], 2, value_node{3, 0, 1});
        store(s.segments[0], 3, value_node{6, 1, 1});
        store(s.segments[0], 4, value_node{3, 0, 1});
        s.segments[1].assign(2, std::byte{'a'});
      }));
}

} // namespace

const char* to_string(door where) {
  switch (where) {
  case door::open: return "open";
  case door::object: return "object";
  case door::verify: return "verify";
  case door::nobody: return "nobody";
  }
  return "?";
}

const std::vector<attack>& attacks() {
  static const std::vector<attack> all = [] {
    list l;
    add_header(l);
    add_directory(l);
    add_arrays(l);
    add_values(l);
    add_attributes(l);
    add_forests(l);
    add_nodes(l);
    add_verify(l);
    add_expected_of_writers(l);
    return l.all;
  }();
  return all;
}

} // namespace petrify::test
