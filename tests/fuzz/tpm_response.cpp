// SPDX-License-Identifier: Apache-2.0
// The parsers of TPM responses on arbitrary bytes: the first byte chooses the command.
#include "measure/tpm/commands.hpp"

#include <cstdio>
#include <cstdlib>

namespace {

using namespace measure;

void require(bool condition, const char* what) {
    if (!condition) {
        std::fprintf(stderr, "tpm_response: %s\n", what);
        std::abort();
    }
}

// Whatever is accepted has exactly the shape of the command's response.
void check(uint8_t command, std::span<const std::byte> response) {
    constexpr hv::PcrIndex pcr{12};
    if (command % 3 == 0) {
        const auto banks = decode_get_pcr_banks(response);
        require(!banks.ok() || response.size() >= 19, "too short for a list of banks");
    } else if (command % 3 == 1) {
        require(!decode_empty(response).ok() || response.size() == 19, "not an empty response");
    } else {
        const Algorithm bank = all_algorithms[(command / 3) % all_algorithms.size()];
        DigestSet out;
        const bool ok = decode_pcr_read(response, bank, pcr, out).ok();
        require(ok == out.banks().has(bank), "a value without success");
        require(!ok || response.size() == 30 + digest_bytes(bank), "not one PCR value");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size != 0) {
        check(data[0], std::as_bytes(std::span{data, size}.subspan(1)));
    }
    return 0;
}
