// SPDX-License-Identifier: Apache-2.0
// How fast a bare QEMU machine hashes and copies: the yardstick of tests/bench. Whoever reads the
// serial line takes the time between "begin" and "end".
#include "domb/rt/main.hpp"

#include "domb/rt/platform.hpp"
#include "hv/base/text.hpp"
#include "measure/tcg/digest.hpp"

#include <cstring>
#include <span>
#include <string_view>

namespace {

// SAFETY: RAM of this machine (256 MiB) that nobody else uses, behind the image.
std::byte* const source = reinterpret_cast<std::byte*>(uint64_t{64} << 20);
std::byte* const destination = reinterpret_cast<std::byte*>(uint64_t{128} << 20);
constexpr size_t bytes = size_t{64} << 20;

void say(std::string_view what, std::string_view edge) {
    hv::TextOf<80> line;
    rt::write(line.put(what).put(' ').put(edge).put(' ').dec(bytes).put('\n').view());
}

}  // namespace

void rt::domain_main(uint64_t) {
    std::memset(source, 0x5a, bytes);
    say("hash", "begin");
    measure::Hasher hasher{
        measure::BankSet{1U << static_cast<unsigned>(measure::Algorithm::Sha256)}};
    hasher.update({source, bytes});
    const auto digest = hasher.finish();
    say("hash", digest.banks().empty() ? "nothing" : "end");
    // Into memory that was never touched, as a launch copies.
    say("copy", "begin");
    std::memcpy(destination, source, bytes);
    say("copy", "end");
    rt::write("done\n");
}
