// SPDX-License-Identifier: Apache-2.0
// A PV kernel that is not Linux finds its devices in Xenstore: as the front end of a disk and a
// network interface or, with the option "back", as their back end, which the front end waits for
// and which then sees it go. The plan: disk 51712 of the target "/disk", bridge "br0", MAC
// 00:16:3e:00:00:07.
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/waiting.hpp"
#include "tests/guest/pv/rt/xenstore.hpp"

#include <algorithm>

namespace {

using namespace pv;

// A copy, which the next request leaves alone.
class Path {
  public:
    explicit Path(std::string_view start, std::string_view end = {}) { text_.put(start).put(end); }
    [[nodiscard]] std::string_view view() const { return text_.view(); }

  private:
    hv::TextOf<128> text_;
};

void check_text(std::string_view actual, std::string_view expected, std::string_view what) {
    if (actual != expected) {
        print(actual);
        print("\n");
        check(false, what);
    }
}

// Of a list of names, each with a NUL behind it.
std::string_view first_of(std::string_view names) {
    size_t size = 0;
    while (size < names.size() && names[size] != '\0') {
        ++size;
    }
    return names.substr(0, size);
}

bool has_name(std::string_view names, std::string_view name) {
    while (!names.empty()) {
        const std::string_view first = first_of(names);
        if (first == name) {
            return true;
        }
        names.remove_prefix(std::min(first.size() + 1, names.size()));
    }
    return false;
}

void check_front(Xenstore& store) {
    check(has_name(store.directory("device"), "vbd"), "disks");
    check(has_name(store.directory("device"), "vif"), "network interfaces");
    check_text(store.directory("device/vbd"), {"51712\0", 6}, "the disk");
    check_text(store.read("device/vbd/51712/virtual-device"), "51712", "its number");
    check_text(store.read("device/vbd/51712/state"), "1", "its state");

    const Path home("/local/domain/", store.read("domid"));
    const Path front(home.view(), "/device/vbd/51712");
    const Path back(store.read("device/vbd/51712/backend"));
    check_text(store.read(Path(back.view(), "/frontend").view()), front.view(), "the way back");
    check_text(store.read(Path(back.view(), "/params").view()), "/disk", "the target");
    check_text(store.read(Path(back.view(), "/mode").view()), "w", "the mode");
    check_text(store.write(Path(back.view(), "/state").view(), "4"), "EACCES",
               "the back end's state is its own");

    check_text(store.read("device/vif/0/mac"), "00:16:3e:00:00:07", "the MAC address");
    const Path net(store.read("device/vif/0/backend"));
    check_text(store.read(Path(net.view(), "/bridge").view()), "br0", "the bridge");
}

// Until the other end's state is this, or is no longer this.
void await_state(Xenstore& store, std::string_view state, std::string_view value, bool is = true) {
    if (!wait_for([&] { return (store.read(state) == value) == is; })) {
        fail("the other end does not come");
    }
}

void run_front(Xenstore& store) {
    check_front(store);
    const Path back_state(store.read("device/vbd/51712/backend"), "/state");
    check_text(store.write("device/vbd/51712/state", "3"), "OK", "Initialised");
    await_state(store, back_state.view(), "4");
}

void run_back(Xenstore& store) {
    const Path front("backend/vbd/", first_of(store.directory("backend/vbd")));
    const Path device(front.view(), "/51712");
    const Path state(device.view(), "/state");
    const Path front_state(store.read(Path(device.view(), "/frontend").view()), "/state");
    await_state(store, front_state.view(), "3");
    check_text(store.write(state.view(), "4"), "OK", "Connected");
    await_state(store, front_state.view(), "3", false);  // it has ended, and its home is gone
}

}  // namespace

void pv::run() {
    Xenstore store;
    if (has_option("back")) {
        run_back(store);
    } else {
        run_front(store);
    }
}
