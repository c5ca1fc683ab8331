// Mutations of pickles that keep them pickles: whole operations put in, taken out, doubled, moved.
#include "dice.hpp"
#include "target.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

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

} // namespace

std::size_t mutate(std::uint8_t* data, std::size_t size, std::size_t room, std::uint32_t seed) {
  dice roll(seed);
  if (size < 4 || roll.once_in(3))
    return LLVMFuzzerMutate(data, size, room);
  // Behind the two bytes of PROTO and before STOP.
  for (std::size_t steps = 1 + roll.below(3); steps != 0; --steps) {
    const std::size_t at = 2 + roll.below(size - 2);
    const std::size_t length = std::min(std::size_t{1} << roll.below(6), size - at);
    switch (roll.below(5)) {
    case 0: // take out
      if (size - length < 4)
        break;
      std::memmove(data + at, data + at + length, size - at - length);
      size -= length;
      break;
    case 1: { // put in a copy of what is elsewhere
      const std::size_t from = 2 + roll.below(size - 2);
      const std::size_t piece = std::min(length, size - from);
      if (size + piece > room)
        break;
      std::uint8_t copy[64];
      std::memcpy(copy, data + from, piece);
      std::memmove(data + at + piece, data + at, size - at);
      std::memcpy(data + at, copy, piece);
      size += piece;
      break;
    }
    case 2: // another number
      data[at] = other_number(roll, data[at]);
      break;
    default: {
      const std::string_view put = operations[roll.below(std::size(operations))];
      if (size + put.size() > room)
        break;
      std::memmove(data + at + put.size(), data + at, size - at);
      std::memcpy(data + at, put.data(), put.size());
      size += put.size();
    }
    }
  }
  if (!roll.once_in(8))
    data[size - 1] = '.';
  return size;
}

} // namespace petrify::fuzz
