// SPDX-License-Identifier: Apache-2.0
// Arguments of event_channel_op, the virtual interrupts, and what a guest shares with the
// hypervisor in the FIFO ABI. [xen-pub] event_channel.h, xen.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

enum class EventChannelOp : uint32_t {
    EVTCHNOP_bind_interdomain = 0,
    EVTCHNOP_bind_virq = 1,
    EVTCHNOP_bind_pirq = 2,
    EVTCHNOP_close = 3,
    EVTCHNOP_send = 4,
    EVTCHNOP_status = 5,
    EVTCHNOP_alloc_unbound = 6,
    EVTCHNOP_bind_ipi = 7,
    EVTCHNOP_bind_vcpu = 8,
    EVTCHNOP_unmask = 9,
    EVTCHNOP_reset = 10,
    EVTCHNOP_init_control = 11,
    EVTCHNOP_expand_array = 12,
    EVTCHNOP_set_priority = 13,
};

enum class Virq : uint32_t {
    VIRQ_TIMER = 0,    // per vCPU
    VIRQ_DEBUG = 1,    // per vCPU
    VIRQ_CONSOLE = 2,  // global, as all that follow unless they say otherwise
    VIRQ_DOM_EXC = 3,
    VIRQ_TBUF = 4,
    VIRQ_DEBUGGER = 6,
    VIRQ_XENOPROF = 7,  // per vCPU
    VIRQ_CON_RING = 8,
    VIRQ_PCPU_STATE = 9,
    VIRQ_MEM_EVENT = 10,
    VIRQ_ARGO = 11,
    VIRQ_ENOMEM = 12,
    VIRQ_XENPMU = 13,  // per vCPU
};
inline constexpr uint32_t NR_VIRQS = 24;

struct EvtchnAllocUnbound {
    uint16_t dom;
    uint16_t remote_dom;
    uint32_t port;  // out
};

struct EvtchnBindInterdomain {
    uint16_t remote_dom;
    uint16_t rsvd_002;
    uint32_t remote_port;
    uint32_t local_port;  // out
};
static_assert(offsetof(EvtchnBindInterdomain, remote_port) == 4);

struct EvtchnBindVirq {
    uint32_t virq;
    uint32_t vcpu;
    uint32_t port;  // out
};

struct EvtchnBindIpi {
    uint32_t vcpu;
    uint32_t port;  // out
};

struct EvtchnClose {
    uint32_t port;
};

struct EvtchnSend {
    uint32_t port;
};

enum class EvtchnStat : uint32_t {
    EVTCHNSTAT_closed = 0,
    EVTCHNSTAT_unbound = 1,
    EVTCHNSTAT_interdomain = 2,
    EVTCHNSTAT_pirq = 3,
    EVTCHNSTAT_virq = 4,
    EVTCHNSTAT_ipi = 5,
};

struct EvtchnStatus {
    uint16_t dom;
    uint16_t rsvd_002;
    uint32_t port;
    uint32_t status;  // 08  out, as the rest
    uint32_t vcpu;    // 0c
    union {
        struct {
            uint16_t dom;
        } unbound;
        struct {
            uint16_t dom;
            uint16_t rsvd_002;
            uint32_t port;
        } interdomain;
        uint32_t pirq;
        uint32_t virq;
    } u;  // 10
};
static_assert(sizeof(EvtchnStatus) == 24 && offsetof(EvtchnStatus, u) == 16);

struct EvtchnBindVcpu {
    uint32_t port;
    uint32_t vcpu;
};

struct EvtchnUnmask {
    uint32_t port;
};

struct EvtchnReset {
    uint16_t dom;
};

struct EvtchnInitControl {
    uint64_t control_gfn;
    uint32_t offset;
    uint32_t vcpu;
    uint8_t link_bits;  // out
    uint8_t _pad[7];
};
static_assert(sizeof(EvtchnInitControl) == 24 && offsetof(EvtchnInitControl, link_bits) == 16);

struct EvtchnExpandArray {
    uint64_t array_gfn;
};

struct EvtchnSetPriority {
    uint32_t port;
    uint32_t priority;
};

// The FIFO ABI. An event word: four bits, and the port that is next in the queue.
inline constexpr uint32_t EVTCHN_FIFO_PENDING = 31;
inline constexpr uint32_t EVTCHN_FIFO_MASKED = 30;
inline constexpr uint32_t EVTCHN_FIFO_LINKED = 29;
inline constexpr uint32_t EVTCHN_FIFO_BUSY = 28;
inline constexpr uint32_t EVTCHN_FIFO_LINK_BITS = 17;
inline constexpr uint32_t EVTCHN_FIFO_LINK_MASK = (1 << EVTCHN_FIFO_LINK_BITS) - 1;
inline constexpr uint32_t EVTCHN_FIFO_NR_CHANNELS = 1 << EVTCHN_FIFO_LINK_BITS;

inline constexpr uint32_t EVTCHN_FIFO_PRIORITY_MAX = 0;
inline constexpr uint32_t EVTCHN_FIFO_PRIORITY_DEFAULT = 7;
inline constexpr uint32_t EVTCHN_FIFO_PRIORITY_MIN = 15;
inline constexpr uint32_t EVTCHN_FIFO_MAX_QUEUES = EVTCHN_FIFO_PRIORITY_MIN + 1;

struct EvtchnFifoControlBlock {
    uint32_t ready;  // one bit for each queue
    uint32_t _rsvd;
    uint32_t head[EVTCHN_FIFO_MAX_QUEUES];
};
static_assert(sizeof(EvtchnFifoControlBlock) == 72 && offsetof(EvtchnFifoControlBlock, head) == 8);

}  // namespace hv::abi
