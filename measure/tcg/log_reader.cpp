// SPDX-License-Identifier: Apache-2.0
#include "measure/tcg/log_reader.hpp"

#include "measure/tcg/spec_id.hpp"

#include <algorithm>

namespace measure {
namespace {

using Bytes = std::span<const std::byte>;
template <class T>
using Parsed = hv::Result<T, LogFault>;

Parsed<Bytes> take(hv::Reader& in, size_t n) {
    auto bytes = in.take(n);
    if (!bytes.ok()) {
        return hv::Err{LogFault::Truncated};
    }
    return bytes.take();
}

template <class T>
Parsed<T> read(hv::Reader& in) {
    auto value = in.read_le<T>();
    if (!value.ok()) {
        return hv::Err{LogFault::Truncated};
    }
    return value.take();
}

Parsed<void> expect(bool condition, LogFault fault) {
    if (!condition) {
        return hv::Err{fault};
    }
    return hv::Ok{};
}

// The next number must be `value`.
template <class T>
Parsed<void> read_exactly(hv::Reader& in, T value, LogFault fault) {
    const T found = TRY(read<T>(in));
    return expect(found == value, fault);
}

// Bytes preceded by their number.
template <class T>
Parsed<Bytes> read_sized(hv::Reader& in) {
    const T size = TRY(read<T>(in));
    return take(in, size);
}

bool is_spec_id(Bytes data) {
    const auto signature = std::as_bytes(std::span{spec_id::signature});
    return data.size() >= signature.size() &&
           std::equal(signature.begin(), signature.end(), data.begin());
}

Parsed<Algorithm> read_algorithm(hv::Reader& in) {
    const auto known = from_tcg_id(TRY(read<uint16_t>(in)));
    if (!known) {
        return hv::Err{LogFault::UnknownAlgorithm};
    }
    return *known;
}

// The payload of the Spec ID event.
Parsed<BankSet> read_spec_id(Bytes payload) {
    constexpr auto bad = LogFault::BadSpecId;
    TRY(expect(is_spec_id(payload), bad));
    hv::Reader in{payload.subspan(spec_id::signature.size())};
    TRY(read<uint32_t>(in));  // platformClass
    TRY(read_exactly<uint8_t>(in, spec_id::version_minor, bad));
    TRY(read_exactly<uint8_t>(in, spec_id::version_major, bad));
    TRY(read<uint8_t>(in));  // specErrata
    TRY(read<uint8_t>(in));  // uintnSize
    const auto count = TRY(read<uint32_t>(in));
    TRY(expect(count >= 1, bad));
    TRY(expect(count <= all_algorithms.size(), LogFault::UnknownAlgorithm));
    BankSet banks;
    for (uint32_t i = 0; i < count; ++i) {
        const Algorithm a = TRY(read_algorithm(in));
        TRY(read_exactly(in, static_cast<uint16_t>(digest_bytes(a)), LogFault::UnknownAlgorithm));
        TRY(expect(!banks.has(a), LogFault::RepeatedAlgorithm));
        banks.add(a);
    }
    TRY(read_sized<uint8_t>(in));  // vendorInfo
    TRY(expect(in.at_end(), bad));
    return banks;
}

Parsed<BankSet> read_header(hv::Reader& in) {
    constexpr auto bad = LogFault::BadSpecId;
    TRY(read_exactly<uint32_t>(in, 0, bad));  // PCR
    TRY(read_exactly(in, static_cast<uint32_t>(EventType::EV_NO_ACTION), bad));
    const Bytes digest = TRY(take(in, digest_bytes(Algorithm::Sha1)));
    TRY(expect(
        std::all_of(digest.begin(), digest.end(), [](std::byte b) { return b == std::byte{}; }),
        bad));
    const Bytes payload = TRY(read_sized<uint32_t>(in));
    auto banks = read_spec_id(payload);
    // The payload lies within the log, so a payload that is too short is wrong in itself.
    if (!banks.ok()) {
        return hv::Err{banks.error() == LogFault::Truncated ? bad : banks.error()};
    }
    return banks.take();
}

Parsed<LogRecord> read_event(hv::Reader& in, BankSet banks) {
    LogRecord record;
    record.pcr = hv::PcrIndex{TRY(read<uint32_t>(in))};
    TRY(expect(record.pcr.value() < pcr_count, LogFault::BadPcr));
    record.type = static_cast<EventType>(TRY(read<uint32_t>(in)));
    TRY(read_exactly(in, static_cast<uint32_t>(banks.count()), LogFault::WrongBanks));
    for (size_t i = 0; i < banks.count(); ++i) {
        const Algorithm a = TRY(read_algorithm(in));
        TRY(expect(!record.digests.banks().has(a), LogFault::RepeatedAlgorithm));
        TRY(expect(banks.has(a), LogFault::WrongBanks));
        const Bytes digest = TRY(take(in, digest_bytes(a)));
        record.digests.set(a, digest);
    }
    record.data = TRY(read_sized<uint32_t>(in));
    TRY(expect(record.type != EventType::EV_NO_ACTION || !is_spec_id(record.data),
               LogFault::SecondSpecId));
    return record;
}

}  // namespace

std::string_view to_text(LogFault fault) {
    switch (fault) {
        case LogFault::Truncated:
            return "the log ends within this record";
        case LogFault::BadSpecId:
            return "not a Spec ID event of version 2.0";
        case LogFault::UnknownAlgorithm:
            return "a digest algorithm or size that is not known";
        case LogFault::RepeatedAlgorithm:
            return "the same digest algorithm twice";
        case LogFault::WrongBanks:
            return "digests of other banks than the header announces";
        case LogFault::BadPcr:
            return "a PCR that does not exist";
        case LogFault::SecondSpecId:
            return "a second Spec ID event";
    }
    return "?";
}

hv::Result<LogReader, LogParseError> LogReader::open(std::span<const std::byte> log) {
    LogReader reader{log};
    auto banks = read_header(reader.rest_);
    if (!banks.ok()) {
        return hv::Err{LogParseError{banks.error(), 0}};
    }
    reader.banks_ = banks.take();
    return reader;
}

hv::Result<LogRecord, LogParseError> LogReader::next() {
    hv::Reader ahead = rest_;
    auto event = read_event(ahead, banks_);
    if (!event.ok()) {
        return hv::Err{LogParseError{event.error(), offset()}};
    }
    LogRecord record = event.take();
    record.index = next_index_++;
    record.offset = offset();
    rest_ = ahead;
    return record;
}

LogExtent log_extent(std::span<const std::byte> area) {
    auto opened = LogReader::open(area);
    if (!opened.ok()) {
        return {};
    }
    LogReader reader = opened.take();
    LogExtent extent{.records = 1, .bytes = reader.offset()};
    while (!reader.at_end() && reader.next().ok()) {
        extent = {.records = reader.next_index(), .bytes = reader.offset()};
    }
    return extent;
}

}  // namespace measure
