// SPDX-License-Identifier: Apache-2.0
#include "measure/tcg/log.hpp"

#include "hv/base/reader.hpp"
#include "measure/tcg/spec_id.hpp"

namespace measure {
namespace {

// Cannot fail: the caller has checked that the whole record fits.
class Appender {
  public:
    explicit Appender(std::span<std::byte> out) : writer_{out} {}
    void bytes(std::span<const std::byte> b) { must(writer_.put(b)); }
    void u8(uint8_t n) { must(writer_.put_le(n)); }
    void u16(uint16_t n) { must(writer_.put_le(n)); }
    void u32(uint32_t n) { must(writer_.put_le(n)); }
    [[nodiscard]] size_t written() const { return writer_.written(); }

  private:
    static void must(const hv::Result<void, hv::CursorError>& r) { ASSERT(r.ok()); }
    hv::Writer writer_;
};

}  // namespace

LogWriter::LogWriter(std::span<std::byte> area, size_t used) : area_{area}, used_{used} {
    ASSERT(used <= area.size());
}

bool LogWriter::fits(size_t n) const {
    const size_t left = area_.size() - used_;
    return left >= log_spare_bytes && n <= left - log_spare_bytes;
}

hv::Result<void, LogError> LogWriter::start(BankSet banks) {
    ASSERT(used_ == 0 && !banks.empty());
    const size_t size = log_header_bytes(banks);
    if (!fits(size)) {
        return hv::Err{LogError::NoSpace};
    }
    Appender out{area_};
    out.u32(0);  // PCR
    out.u32(static_cast<uint32_t>(EventType::EV_NO_ACTION));
    out.bytes(std::array<std::byte, 20>{});  // SHA-1 digest, not used
    out.u32(static_cast<uint32_t>(size - 32));
    out.bytes(std::as_bytes(std::span{spec_id::signature}));
    out.u32(spec_id::platform_class);
    out.u8(spec_id::version_minor);
    out.u8(spec_id::version_major);
    out.u8(spec_id::errata);
    out.u8(spec_id::uintn_size);
    out.u32(static_cast<uint32_t>(banks.count()));
    for (const Algorithm a : all_algorithms) {
        if (banks.has(a)) {
            out.u16(tcg_id(a));
            out.u16(static_cast<uint16_t>(digest_bytes(a)));
        }
    }
    out.u8(0);  // vendorInfoSize
    used_ = out.written();
    return hv::Ok{};
}

hv::Result<void, LogError> LogWriter::append(const Event& event) {
    const BankSet banks = event.digests.banks();
    if (event.data.size() > UINT32_MAX || !fits(log_event_bytes(banks, event.data.size()))) {
        return hv::Err{LogError::NoSpace};
    }
    Appender out{area_.subspan(used_)};
    out.u32(event.pcr.value());
    out.u32(static_cast<uint32_t>(event.type));
    out.u32(static_cast<uint32_t>(banks.count()));
    for (const Algorithm a : all_algorithms) {
        if (banks.has(a)) {
            out.u16(tcg_id(a));
            out.bytes(event.digests.get(a));
        }
    }
    out.u32(static_cast<uint32_t>(event.data.size()));
    out.bytes(event.data);
    used_ += out.written();
    return hv::Ok{};
}

}  // namespace measure
