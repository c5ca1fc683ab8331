// Mutations of pickles that keep them pickles: whole operations put in, taken out, doubled, moved; also inside a
// compressed stream, which is compressed anew.
#include "dice.hpp"
#include "target.hpp"

#include "import/decompress.hpp"

#include <petrify/error.hpp>

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

namespace petrify::fuzz {

namespace {

using namespace std::string_view_literals;

// Operations with their arguments, and short programs that joblib and numpy write.
constexpr std::string_view operations[] = {
    "("sv,                            // MARK
    "0"sv,                            // POP
    "1"sv,                            // POP_MARK
    "2"sv,                            // DUP
    "N"sv,                            // NONE
    "\x88"sv,                         // NEWTRUE
    "\x89"sv,                         // NEWFALSE
    "K\x07"sv,                        // BININT1
    "M\x01\x02"sv,                    // BININT2
    "J\xff\xff\xff\x7f"sv,            // BININT
    "\x8a\x09\0\0\0\0\0\0\0\x80\0"sv, // LONG1
    "\x8b\x02\0\0\0\x01\x01"sv,       // LONG4
    "G\x3f\xf8\0\0\0\0\0\0"sv,        // BINFLOAT
    "\x8c\x03"
    "abc"sv,                        // SHORT_BINUNICODE
    "X\x02\0\0\0xy"sv,              // BINUNICODE
    "\x8d\x01\0\0\0\0\0\0\0z"sv,    // BINUNICODE8
    "C\x04\0\x01\x02\x03"sv,        // SHORT_BINBYTES
    "B\x02\0\0\0\0\x01"sv,          // BINBYTES
    "\x8e\x01\0\0\0\0\0\0\0\x05"sv, // BINBYTES8
    "\x96\x02\0\0\0\0\0\0\0\0\0"sv, // BYTEARRAY8
    "U\x02hi"sv,                    // SHORT_BINSTRING
    "]"sv,
    "a"sv,
    "e"sv, // EMPTY_LIST APPEND APPENDS
    "}"sv,
    "s"sv,
    "u"sv, // EMPTY_DICT SETITEM SETITEMS
    ")"sv,
    "\x85"sv,
    "\x86"sv,
    "\x87"sv, // tuples of 0 to 3
    "t"sv,
    "l"sv,
    "d"sv, // TUPLE LIST DICT
    "\x8f"sv,
    "\x90"sv,
    "\x91"sv, // EMPTY_SET ADDITEMS FROZENSET
    "q\0"sv,
    "q\x01"sv,
    "r\x02\0\0\0"sv, // BINPUT LONG_BINPUT
    "\x94"sv,        // MEMOIZE
    "h\0"sv,
    "h\x01"sv,
    "j\x02\0\0\0"sv, // BINGET LONG_BINGET
    "R"sv,
    "b"sv,
    "\x81"sv,
    "\x92"sv,                   // REDUCE BUILD NEWOBJ NEWOBJ_EX
    "\x93"sv,                   // STACK_GLOBAL
    "\x95\x08\0\0\0\0\0\0\0"sv, // FRAME
    "\x97"sv,
    "\x98"sv,
    "Q"sv, // NEXT_BUFFER READONLY_BUFFER BINPERSID
    "cnumpy\ndtype\n"sv,
    "cnumpy\nndarray\n"sv,
    "cnumpy.core.multiarray\n_reconstruct\n"sv,
    "cnumpy.core.multiarray\nscalar\n"sv,
    "cnumpy._core.numeric\n_frombuffer\n"sv,
    "cjoblib.numpy_pickle\nNumpyArrayWrapper\n"sv,
    "ccollections\nOrderedDict\n"sv,
    "c_codecs\nencode\n"sv,
    "csklearn.tree._classes\nDecisionTreeClassifier\n"sv,
    "csklearn.tree._tree\nTree\n"sv,
    "cnumpy\ndtype\n\x8c\x02"
    "f8\x89\x88\x87R(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"sv,
    "cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\n\x8c\x02i4\x89\x88\x87R(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tbC\x04\x01\0\0\0\x86R"sv,
    "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85"
    "C\x01"
    "b\x87R(K\x01K\x02\x85"
    "cnumpy\ndtype\n\x8c\x02i2\x89\x88\x87R(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89"
    "C\x04\x01\0\x02\0tb"sv,
};

// Bytes of the operation at the begin of `rest`, argument included; 1 for what is none.
std::size_t operation_length(std::string_view rest) {
  const auto counted = [&](std::size_t width) {
    std::uint64_t count = 0;
    if (rest.size() > width)
      std::memcpy(&count, rest.data() + 1, width);
    return 1 + width + static_cast<std::size_t>(std::min<std::uint64_t>(count, rest.size()));
  };
  const auto lines = [&](int n) {
    std::size_t end = 0;
    for (; n != 0 && end != std::string_view::npos; --n)
      end = rest.find('\n', end + 1);
    return end == std::string_view::npos ? std::size_t{1} : end + 1;
  };
  switch (static_cast<unsigned char>(rest[0])) {
  case 'K':
  case 'q':
  case 'h':
  case 0x80: return 2;
  case 'M': return 3;
  case 'J':
  case 'r':
  case 'j': return 5;
  case 'G':
  case 0x95: return 9;
  case 0x8a:
  case 0x8c:
  case 'C':
  case 'U': return counted(1);
  case 0x8b:
  case 'X':
  case 'B':
  case 'T': return counted(4);
  case 0x8d:
  case 0x8e:
  case 0x96: return counted(8);
  case 'c': return lines(2);
  case 'I':
  case 'F':
  case 'L':
  case 'P': return lines(1);
  default: return 1;
  }
}

// The operations of a pickle, one behind the other. Raw arrays of joblib come out as operations that are none.
std::vector<std::string_view> split(std::string_view pickle) {
  std::vector<std::string_view> out;
  while (!pickle.empty()) {
    out.push_back(pickle.substr(0, operation_length(pickle)));
    pickle.remove_prefix(out.back().size());
  }
  return out;
}

// Operations taken out, doubled, swapped, put in, and arguments changed. Frames go: their lengths would be wrong.
std::size_t change_operations(dice& roll, std::uint8_t* data, std::size_t size, std::size_t room) {
  const std::vector<char> original(data, data + size);
  std::vector<std::string_view> all = split({original.data(), original.size()});
  if (!roll.once_in(8))
    std::erase_if(all, [](std::string_view one) { return one[0] == '\x95' && one.size() == 9; });
  std::vector<std::vector<char>> changed; // what `all` borrows from, beside the original
  const std::size_t steps = 1 + roll.below(3);
  changed.reserve(steps);
  for (std::size_t i = 0; i < steps && all.size() > 2; ++i) {
    // Behind PROTO.
    const std::size_t at = 1 + roll.below(all.size() - 1);
    const auto place = [&](std::size_t k) { return all.begin() + static_cast<std::ptrdiff_t>(k); };
    switch (roll.below(8)) {
    case 0: all.erase(place(at)); break;
    case 1: all.insert(place(at), all[at]); break;
    case 2: std::swap(all[at], all[1 + roll.below(all.size() - 1)]); break;
    case 3: { // some operations from elsewhere
      const std::size_t from = 1 + roll.below(all.size() - 1);
      const std::size_t count = std::min(all.size() - from, std::size_t{1} << roll.below(5));
      const std::vector<std::string_view> piece(place(from), place(from + count));
      all.insert(place(at), piece.begin(), piece.end());
      break;
    }
    case 4: all[at] = operations[roll.below(std::size(operations))]; break;
    case 5: all.insert(place(at), operations[roll.below(std::size(operations))]); break;
    default: { // a byte of an argument
      if (all[at].size() < 2)
        break;
      std::vector<char>& own = changed.emplace_back(all[at].begin(), all[at].end());
      char& byte = own[1 + roll.below(own.size() - 1)];
      byte = static_cast<char>(other_number(roll, static_cast<std::uint8_t>(byte)));
      all[at] = {own.data(), own.size()};
    }
    }
  }
  std::size_t end = 0;
  for (const std::string_view one : all) {
    if (end + one.size() > room)
      break;
    std::memcpy(data + end, one.data(), one.size());
    end += one.size();
  }
  return end;
}

std::size_t mutate_plain(dice& roll, std::uint8_t* data, std::size_t size, std::size_t room) {
  if (size < 4 || roll.once_in(3))
    return LLVMFuzzerMutate(data, size, room);
  size = change_operations(roll, data, size, room);
  if (size > 0 && !roll.once_in(8))
    data[size - 1] = '.';
  return size;
}

// Mutates what is inside, and compresses it with zlib; 0 where that cannot be.
std::size_t mutate_compressed(dice& roll, std::uint8_t* data, std::size_t size, std::size_t room) {
  try {
    const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
    const compression kind = detect_compression(bytes);
    if (kind == compression::none)
      return 0;
    const byte_buffer inside = decompress(kind, bytes, {.max_bytes = 16 << 10});
    std::vector<std::uint8_t> plain(2 * inside.size() + 64);
    if (!inside.empty())
      std::memcpy(plain.data(), inside.data(), inside.size());
    const std::size_t length = mutate_plain(roll, plain.data(), inside.size(), plain.size());
    uLongf written = room;
    return ::compress2(data, &written, plain.data(), length, 1) == Z_OK ? written : 0;
  } catch (const error&) {
    return 0; // not compressed any more
  }
}

} // namespace

std::size_t mutate(std::uint8_t* data, std::size_t size, std::size_t room, std::uint32_t seed) {
  dice roll(seed);
  if (!roll.once_in(4))
    if (const std::size_t made = mutate_compressed(roll, data, size, room); made != 0)
      return made;
  return mutate_plain(roll, data, size, room);
}

} // namespace petrify::fuzz
