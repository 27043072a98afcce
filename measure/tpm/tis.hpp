// SPDX-License-Identifier: Apache-2.0
// Tis: the FIFO interface of a TPM, [tcg-ptp] 6: localities, command and response bytes. It knows
// nothing of commands. Registers and time are passed in, so that the same code runs in hv, in domB
// and against the fake of the unit tests. Every wait is bounded in time.
#pragma once

#include "hv/base/fields.hpp"
#include "hv/base/result.hpp"
#include "measure/tpm/tpm_error.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace measure {

// Registers at byte offsets from locality 0's page; locality n is at n * 0x1000.
template <class M>
concept TisMmio = requires(M m, uint32_t offset, uint8_t v8, uint32_t v32) {
    { m.read8(offset) } -> std::same_as<uint8_t>;
    { m.read32(offset) } -> std::same_as<uint32_t>;
    m.write8(offset, v8);
    m.write32(offset, v32);
};

// A monotonic clock. Time may jump ahead when the host does not run us.
template <class C>
concept TisClock = requires(C c) {
    { c.now_ns() } -> std::same_as<uint64_t>;
};

struct TisAccess {  // TPM_ACCESS_x, offset 000
    using Raw = uint8_t;
    static constexpr hv::Bit<TisAccess, 7> tpmRegValidSts{};
    static constexpr hv::Bit<TisAccess, 5> activeLocality{};
    static constexpr hv::Bit<TisAccess, 1> requestUse{};
};

struct TisStatus {  // TPM_STS_x, offset 018
    using Raw = uint32_t;
    static constexpr hv::Field<TisStatus, 27, 26> tpmFamily{};  // 1: TPM 2.0
    static constexpr hv::Field<TisStatus, 23, 8> burstCount{};
    static constexpr hv::Bit<TisStatus, 7> stsValid{};
    static constexpr hv::Bit<TisStatus, 6> commandReady{};
    static constexpr hv::Bit<TisStatus, 5> tpmGo{};
    static constexpr hv::Bit<TisStatus, 4> dataAvail{};
    static constexpr hv::Bit<TisStatus, 3> Expect{};
};

enum class TisOffset : uint32_t {
    ACCESS = 0x00,
    STS = 0x18,
    DATA_FIFO = 0x24,
    INTERFACE_ID = 0x30,
    DID_VID = 0xf00,
};

inline constexpr uint32_t highest_locality = 3;  // that software can have

// Limits of every wait. Generous: the host may not run us for tens of milliseconds at a time, and
// a hardware TPM takes seconds for some commands.
inline constexpr uint64_t tis_interface_limit_ns = 4'000'000'000;
inline constexpr uint64_t tis_command_limit_ns = 20'000'000'000;

template <TisMmio Mmio, TisClock Clock>
class Tis {
  public:
    Tis(Mmio mmio, Clock clock) : mmio_{mmio}, clock_{clock} {}

    // Is there a TIS TPM at all? Looks at locality 0 and changes nothing.
    hv::Result<void, TpmError> probe();
    // Becomes the active locality, whichever was active before; one that is not granted within the
    // limit is NoLocality. For the TPM's only user: nobody is asked.
    hv::Result<void, TpmError> request(uint32_t locality);
    // Gives the locality back. The TPM is idle then: transmit leaves nothing behind.
    void relinquish();
    // Sends a command and receives its response; the result is a prefix of `response`.
    hv::Result<std::span<const std::byte>, TpmError> transmit(std::span<const std::byte> command,
                                                              std::span<std::byte> response);

    [[nodiscard]] uint32_t locality() const { return locality_; }

  private:
    using Status = hv::Register<TisStatus>;
    using Access = hv::Register<TisAccess>;

    [[nodiscard]] uint32_t at(TisOffset offset) const {
        return locality_ * 0x1000 + static_cast<uint32_t>(offset);
    }
    Access access() { return Access{mmio_.read8(at(TisOffset::ACCESS))}; }
    Status status() { return Status{mmio_.read32(at(TisOffset::STS))}; }
    void command_ready() {
        mmio_.write32(at(TisOffset::STS), Status{}.with(TisStatus::commandReady, true).raw());
    }
    // Polls until condition() holds; it is asked once more after the time is over.
    template <class Condition>
    bool wait(uint64_t limit_ns, Condition condition);
    void release_others(uint32_t wanted);
    bool become_ready();
    hv::Result<size_t, TpmError> burst();
    // Only such a one says anything by Expect and dataAvail.
    hv::Result<Status, TpmError> valid_status();
    hv::Result<void, TpmError> send(std::span<const std::byte> command);
    hv::Result<void, TpmError> receive(std::span<std::byte> out);

    hv::Result<std::span<const std::byte>, TpmError> exchange(std::span<const std::byte> command,
                                                              std::span<std::byte> response);

    Mmio mmio_;
    Clock clock_;
    uint32_t locality_ = 0;
};

}  // namespace measure

#include "measure/tpm/tis_impl.hpp"
