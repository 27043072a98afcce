// SPDX-License-Identifier: Apache-2.0
#include "measure/tpm/commands.hpp"

#include "hv/base/reader.hpp"

#include <algorithm>

namespace measure {
namespace {

using Bytes = std::span<const std::byte>;
template <class T>
using Parsed = hv::Result<T, TpmError>;

// [tpm2-p2] 6.5.2, 6.6.3, 6.9, 6.12, 7.4
enum class Code : uint32_t {
    PCR_Reset = 0x13d,
    GetCapability = 0x17a,
    PCR_Read = 0x17e,
    PCR_Extend = 0x182,
};
constexpr uint16_t TPM_ST_NO_SESSIONS = 0x8001;
constexpr uint16_t TPM_ST_SESSIONS = 0x8002;
constexpr uint32_t TPM_CAP_PCRS = 5;
constexpr uint32_t TPM_RC_YIELDED = 0x908;
constexpr uint32_t TPM_RC_TESTING = 0x90a;
constexpr uint32_t TPM_RC_RETRY = 0x922;
constexpr uint32_t TPM_RS_PW = 0x40000009;
constexpr size_t select_bytes = 3;  // 24 PCRs

constexpr TpmError malformed{TpmError::Kind::Malformed};

// A command in the making. Nothing here can outgrow a TpmBuffer: at most four digests.
class Command {
  public:
    Command(TpmBuffer& out, uint16_t tag, Code code) : out_{out}, writer_{out} {
        u16(tag);
        u32(0);  // the size, known in finish()
        u32(static_cast<uint32_t>(code));
    }
    Command& u8(uint8_t n) { return must(writer_.put_be(n)); }
    Command& u16(uint16_t n) { return must(writer_.put_be(n)); }
    Command& u32(uint32_t n) { return must(writer_.put_be(n)); }
    Command& bytes(Bytes b) { return must(writer_.put(b)); }
    // Authorisation area with the empty password, which PCRs have.
    Command& empty_password() {
        u32(9);  // authorizationSize
        u32(TPM_RS_PW);
        u16(0);  // nonce
        u8(0);   // session attributes
        return u16(0);
    }
    Bytes finish() {
        const hv::Be<uint32_t> size{static_cast<uint32_t>(writer_.written())};
        const auto encoded = std::as_bytes(std::span{&size, 1});
        std::copy(encoded.begin(), encoded.end(), out_.begin() + 2);
        return writer_.bytes();
    }

  private:
    Command& must(const hv::Result<void, hv::CursorError>& r) {
        ASSERT(r.ok());
        return *this;
    }
    TpmBuffer& out_;
    hv::Writer writer_;
};

Parsed<Bytes> take(hv::Reader& in, size_t n) {
    auto bytes = in.take(n);
    if (!bytes.ok()) {
        return hv::Err{malformed};
    }
    return bytes.take();
}

template <class T>
Parsed<T> read(hv::Reader& in) {
    auto value = in.read_be<T>();
    if (!value.ok()) {
        return hv::Err{malformed};
    }
    return value.take();
}

Parsed<void> expect(bool condition) {
    if (!condition) {
        return hv::Err{malformed};
    }
    return hv::Ok{};
}

// The next number must be `value`.
template <class T>
Parsed<void> read_exactly(hv::Reader& in, T value) {
    const T found = TRY(read<T>(in));
    return expect(found == value);
}

// Checks the header; the result is what follows it in a successful response.
Parsed<hv::Reader> open_response(Bytes response, uint16_t success_tag) {
    hv::Reader in{response};
    const auto tag = TRY(read<uint16_t>(in));
    TRY(read_exactly(in, static_cast<uint32_t>(response.size())));
    if (const auto code = TRY(read<uint32_t>(in)); code != 0) {
        return hv::Err{TpmError{TpmError::Kind::ResponseCode, code}};
    }
    TRY(expect(tag == success_tag));
    return in;
}

// TPMS_PCR_SELECTION
struct Selection {
    uint16_t algorithm;
    Bytes select;
};
Parsed<Selection> read_selection(hv::Reader& in) {
    const auto algorithm = TRY(read<uint16_t>(in));
    const auto size = TRY(read<uint8_t>(in));
    const Bytes select = TRY(take(in, size));
    return Selection{algorithm, select};
}

// The selection of one PCR.
std::array<std::byte, select_bytes> select_of(hv::PcrIndex pcr) {
    ASSERT(pcr.value() < 8 * select_bytes);
    std::array<std::byte, select_bytes> select{};
    select[pcr.value() / 8] = std::byte{1} << (pcr.value() % 8);
    return select;
}

}  // namespace

Bytes encode_get_pcr_banks(TpmBuffer& out) {
    return Command{out, TPM_ST_NO_SESSIONS, Code::GetCapability}
        .u32(TPM_CAP_PCRS)
        .u32(0)  // property
        .u32(1)  // propertyCount: the selection is one property
        .finish();
}

Bytes encode_pcr_extend(TpmBuffer& out, hv::PcrIndex pcr, const DigestSet& digests) {
    Command command{out, TPM_ST_SESSIONS, Code::PCR_Extend};
    command.u32(pcr.value()).empty_password();
    command.u32(static_cast<uint32_t>(digests.banks().count()));
    for (const Algorithm a : all_algorithms) {
        if (digests.banks().has(a)) {
            command.u16(tcg_id(a)).bytes(digests.get(a));
        }
    }
    return command.finish();
}

Bytes encode_pcr_reset(TpmBuffer& out, hv::PcrIndex pcr) {
    return Command{out, TPM_ST_SESSIONS, Code::PCR_Reset}
        .u32(pcr.value())
        .empty_password()
        .finish();
}

Bytes encode_pcr_read(TpmBuffer& out, Algorithm bank, hv::PcrIndex pcr) {
    return Command{out, TPM_ST_NO_SESSIONS, Code::PCR_Read}
        .u32(1)
        .u16(tcg_id(bank))
        .u8(select_bytes)
        .bytes(select_of(pcr))
        .finish();
}

bool asks_again(Bytes response) {
    const auto opened = open_response(response, TPM_ST_NO_SESSIONS);
    if (opened.ok() || opened.error().kind != TpmError::Kind::ResponseCode) {
        return false;
    }
    constexpr std::array warnings{TPM_RC_YIELDED, TPM_RC_TESTING, TPM_RC_RETRY};
    return std::find(warnings.begin(), warnings.end(), opened.error().code) != warnings.end();
}

Parsed<PcrBanks> decode_get_pcr_banks(Bytes response) {
    hv::Reader in = TRY(open_response(response, TPM_ST_NO_SESSIONS));
    TRY(read_exactly<uint8_t>(in, 0));  // moreData: a bank not listed would stay unextended
    TRY(read_exactly<uint32_t>(in, TPM_CAP_PCRS));
    PcrBanks banks;
    const auto count = TRY(read<uint32_t>(in));
    TRY(expect(count <= 16));  // HASH_COUNT of any TPM
    for (uint32_t i = 0; i < count; ++i) {
        const Selection selection = TRY(read_selection(in));
        const bool active = std::any_of(selection.select.begin(), selection.select.end(),
                                        [](std::byte b) { return b != std::byte{}; });
        if (const auto known = from_tcg_id(selection.algorithm); !active) {
            continue;
        } else if (known) {
            banks.known.add(*known);
        } else {
            banks.has_unknown = true;
        }
    }
    TRY(expect(in.at_end()));
    return banks;
}

Parsed<void> decode_empty(Bytes response) {
    hv::Reader in = TRY(open_response(response, TPM_ST_SESSIONS));
    TRY(read_exactly<uint32_t>(in, 0));  // parameterSize
    // The authorisation of the response: empty nonce, attributes, empty HMAC.
    TRY(read_exactly<uint16_t>(in, 0));
    TRY(read<uint8_t>(in));
    TRY(read_exactly<uint16_t>(in, 0));
    return expect(in.at_end());
}

Parsed<void> decode_pcr_read(Bytes response, Algorithm bank, hv::PcrIndex pcr, DigestSet& out) {
    hv::Reader in = TRY(open_response(response, TPM_ST_NO_SESSIONS));
    TRY(read<uint32_t>(in));  // pcrUpdateCounter
    TRY(read_exactly<uint32_t>(in, 1));
    const Selection selection = TRY(read_selection(in));
    const auto select = select_of(pcr);
    TRY(expect(selection.algorithm == tcg_id(bank) &&
               std::equal(select.begin(), select.end(), selection.select.begin(),
                          selection.select.end())));
    TRY(read_exactly<uint32_t>(in, 1));
    const auto size = TRY(read<uint16_t>(in));
    TRY(expect(size == digest_bytes(bank)));
    const Bytes digest = TRY(take(in, size));
    TRY(expect(in.at_end()));
    out.set(bank, digest);
    return hv::Ok{};
}

}  // namespace measure
