// SPDX-License-Identifier: Apache-2.0
// Two ends of shared pages, as a front and a back end are, one of which dies. With
// users=FIRST*256+SECOND, two domids, it grants a page to each and counts in it; with
// owners=FIRST*256+SECOND it maps the page that each has for its `number`, and answers. The second
// ones die: in the middle of it, crash_ms after they have begun, an owner after its second user has
// gone. Those that stay go on with one another and find of the dead what grants promise: an owner's
// page reads as ones, writing to it does nothing, copies from it fail; a user uses nothing any
// more.
#include "domb/rt/event_channels.hpp"
#include "domb/rt/guest_addresses.hpp"
#include "domb/rt/hypercall.hpp"
#include "domb/rt/platform.hpp"
#include "hv/abi/xen_grant_table.hpp"
#include "hv/abi/xen_memory.hpp"
#include "hv/base/address.hpp"
#include "tests/guest/harness/guest.hpp"

#include <array>
#include <atomic>

namespace {

using hv::abi::GrantTableOp;
using rt::Hypercall;

constexpr uint64_t ms = 1'000'000;
constexpr uint64_t table_gpaddr = rt::grants_gpaddr;
constexpr uint64_t mapped_gpaddr = rt::grants_gpaddr + 16 * hv::page_size;
constexpr uint32_t first_ref = hv::abi::GNTTAB_NR_RESERVED_ENTRIES;
constexpr uint16_t used_flags = hv::abi::GTF_reading | hv::abi::GTF_writing;
constexpr uint64_t gone = ~uint64_t{0};  // what a page of a domain that has ended reads as

struct alignas(hv::page_size) Page {
    std::atomic<uint64_t> count;   // the owner's
    std::atomic<uint64_t> answer;  // the user's: the last count it has seen
};
constinit std::array<Page, 2> pages{};
constinit Page copied{};

template <class Argument>
int64_t grant_table_op(GrantTableOp op, Argument& argument) {
    const int64_t result = rt::hypercall(Hypercall::grant_table_op, op, &argument, 1);
    return result != 0 ? result : argument.status;
}

std::array<uint16_t, 2> pair(uint64_t domids) {
    return {static_cast<uint16_t>(domids >> 8), static_cast<uint16_t>(domids & 0xff)};
}

uint64_t gfn_of(const Page& page) {
    return rt::to_argument(&page) / hv::page_size;
}

// How long this end lives, and its patience with the others.
class Life {
  public:
    explicit Life(const rt::StartInfo& info)
        : events_{rt::EventChannels::start()}, crash_ms_{guest::option(info, "crash_ms", 0)} {}

    void sleep() { events_.wait({}, events_.now_ns() + 5 * ms); }
    [[nodiscard]] uint64_t now_ns() const { return events_.now_ns(); }
    // Once it has been called for long enough, it is over.
    void count_down() {
        since_ns_ = since_ns_ == 0 ? now_ns() : since_ns_;
        if (crash_ms_ != 0 && now_ns() - since_ns_ > crash_ms_ * ms) {
            guest::print("dies\n");
            rt::shutdown(rt::ShutdownReason::SHUTDOWN_crash);
        }
    }
    void expect_patience(std::string_view what) const {
        if (now_ns() > 60'000 * ms) {
            guest::fail(what);
        }
    }

  private:
    rt::EventChannels events_;
    uint64_t crash_ms_;
    uint64_t since_ns_ = 0;
};

// --- The owner.

volatile hv::abi::GrantEntryV1* map_table() {
    hv::abi::AddToPhysmap argument{};
    argument.domid = hv::abi::DOMID_SELF;
    argument.space = static_cast<uint32_t>(hv::abi::PhysMapSpace::XENMAPSPACE_grant_table);
    argument.gpfn = table_gpaddr / hv::page_size;
    if (rt::hypercall(Hypercall::memory_op, hv::abi::MemoryOp::XENMEM_add_to_physmap, &argument) !=
        0) {
        guest::error("no grant table");
    }
    // SAFETY: it has just been mapped there.
    return reinterpret_cast<volatile hv::abi::GrantEntryV1*>(table_gpaddr);
}

void own(Life& life, std::array<uint16_t, 2> users) {
    volatile hv::abi::GrantEntryV1* entries = map_table() + first_ref;
    for (size_t i = 0; i < users.size(); ++i) {
        entries[i].domid = users[i];
        entries[i].frame = static_cast<uint32_t>(gfn_of(pages[i]));
        std::atomic_thread_fence(std::memory_order_release);
        entries[i].flags = hv::abi::GTF_permit_access;
    }
    uint64_t count_at_end = 0;  // of the second user
    for (uint64_t count = 1;; ++count, life.sleep()) {
        pages[0].count.store(count);
        pages[1].count.store(count);
        const bool have_answered = pages[0].answer.load() != 0 && pages[1].answer.load() != 0;
        if (have_answered && (entries[1].flags & used_flags) == 0) {
            count_at_end = count_at_end == 0 ? count : count_at_end;
            life.count_down();
        }
        if (have_answered && (entries[0].flags & used_flags) == 0) {
            break;
        }
        life.expect_patience("a user that is gone still uses its grant");
    }
    if (count_at_end == 0 || pages[0].answer.load() <= count_at_end) {
        guest::fail("the first user does not go on after the end of the second");
    }
    entries[1].flags = 0;
}

// --- The user.

struct Mapped {
    uint16_t owner;
    uint32_t ref;
    uint32_t handle;
    Page* page;
};

// The owner may not have come to granting it yet.
Mapped map(Life& life, uint16_t owner, uint32_t ref, size_t index) {
    hv::abi::GnttabMapGrantRef argument{};
    do {
        argument = {};
        argument.host_addr = mapped_gpaddr + index * hv::page_size;
        argument.flags = hv::abi::GNTMAP_host_map;
        argument.ref = ref;
        argument.dom = owner;
        life.expect_patience("nobody grants");
        life.sleep();
    } while (grant_table_op(GrantTableOp::GNTTABOP_map_grant_ref, argument) != 0);
    // SAFETY: it has just been mapped there, writable.
    auto* page = reinterpret_cast<Page*>(argument.host_addr);
    while (page->count.load() == 0) {
        life.expect_patience("nobody counts");
        life.sleep();
    }
    return {owner, ref, argument.handle, page};
}

int64_t copy_from(const Mapped& mapped) {
    hv::abi::GnttabCopy argument{};
    argument.source.u.ref = mapped.ref;
    argument.source.domid = mapped.owner;
    argument.dest.u.gmfn = gfn_of(copied);
    argument.dest.domid = hv::abi::DOMID_SELF;
    argument.len = 64;
    argument.flags = hv::abi::GNTCOPY_source_gref;
    return grant_table_op(GrantTableOp::GNTTABOP_copy, argument);
}

void unmap(const Mapped& mapped) {
    hv::abi::GnttabUnmapGrantRef argument{};
    argument.host_addr = rt::to_argument(mapped.page);
    argument.handle = mapped.handle;
    if (grant_table_op(GrantTableOp::GNTTABOP_unmap_grant_ref, argument) != 0) {
        guest::fail("a page cannot be unmapped, of domain", mapped.owner);
    }
    if (guest::peek(rt::to_argument(mapped.page)) != gone) {
        guest::fail("a page is still there after unmapping, of domain", mapped.owner);
    }
}

// Answers; false if the owner is gone.
bool answer(const Mapped& mapped) {
    const uint64_t count = mapped.page->count.load();
    mapped.page->answer.store(count);  // Harmless if the owner has gone meanwhile.
    if (count == gone) {
        return false;
    }
    // What is copied is at least as new, unless the owner goes in between.
    if (copy_from(mapped) == 0 && copied.count.load() < count) {
        guest::fail("a copy is older than what was read before, of domain", mapped.owner);
    }
    return true;
}

void use(Life& life, std::array<uint16_t, 2> owners, uint32_t ref) {
    const std::array<Mapped, 2> mapped{map(life, owners[0], ref, 0), map(life, owners[1], ref, 1)};
    bool is_there = true;
    while (is_there) {
        is_there = answer(mapped[1]);
        if (!answer(mapped[0])) {
            guest::fail("the owner that stays is gone");
        }
        life.count_down();
        life.expect_patience("nobody dies");
        life.sleep();
    }
    if (copy_from(mapped[1]) == 0) {
        guest::fail("a copy from a domain that is gone succeeds");
    }
    // The other one goes on, for longer than it takes to notice an end.
    const uint64_t end = life.now_ns() + 1000 * ms;
    const uint64_t last_count = mapped[0].page->count.load();
    for (; life.now_ns() < end; life.sleep()) {
        answer(mapped[0]);
    }
    if (mapped[0].page->count.load() <= last_count) {
        guest::fail("the owner that stays does not go on");
    }
    unmap(mapped[1]);
    unmap(mapped[0]);
}

}  // namespace

void guest::run(const rt::StartInfo& info) {
    Life life{info};
    const uint64_t users = option(info, "users", 0);
    if (users != 0) {
        own(life, pair(users));
    } else {
        const auto ref = static_cast<uint32_t>(first_ref + option(info, "number", 0));
        use(life, pair(option(info, "owners", 0)), ref);
    }
}
