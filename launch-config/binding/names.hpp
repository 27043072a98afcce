// SPDX-License-Identifier: Apache-2.0
// The words of the dialect of the Hyperlaunch binding that we emit: one place for the compiler and
// the decoder. binding.md is their specification.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace launch::names {

using std::string_view;

// /chosen/hypervisor
inline constexpr string_view hypervisor_compatible = "hypervisor,xen";
inline constexpr string_view measurement = "hl,measurement";
inline constexpr string_view pcrs = "hl,pcrs";

// Its config node
inline constexpr string_view config_compatible = "xen,config";
inline constexpr string_view bootargs = "bootargs";
inline constexpr string_view builder_compatible = "hl,builder";

// Its domain nodes
inline constexpr string_view domain_compatible = "xen,domain";
inline constexpr string_view domid = "domid";
inline constexpr string_view uuid = "domain-uuid";
inline constexpr string_view mode = "mode";
inline constexpr string_view cpus = "cpus";
inline constexpr string_view memory = "memory";
inline constexpr string_view max_memory = "mem-max";
inline constexpr string_view capabilities = "capabilities";
inline constexpr string_view name = "hl,name";
inline constexpr string_view roles = "hl,roles";
inline constexpr string_view p2m = "hl,pv-p2m";
inline constexpr string_view x2apic = "hl,cpuid-x2apic";
inline constexpr string_view xsave = "hl,cpuid-xsave";
inline constexpr string_view expect = "hl,expect";
inline constexpr string_view path = "hl,path";
inline constexpr string_view after = "hl,depends-on";
inline constexpr string_view ready_when = "hl,ready-when";
inline constexpr string_view ready_path = "hl,ready-path";
inline constexpr string_view ready_text = "hl,ready-text";
inline constexpr string_view ready_timeout = "hl,ready-timeout-ms";
inline constexpr string_view on_failure = "hl,on-failure";
inline constexpr string_view on_crash = "hl,on-crash";
inline constexpr string_view start_unmeasured = "hl,start-unmeasured";

// Device nodes
inline constexpr string_view disk_compatible = "hl,vbd";
inline constexpr string_view net_compatible = "hl,vif";
inline constexpr string_view channel_compatible = "hl,console";
inline constexpr string_view backend = "hl,backend";
inline constexpr string_view vdev = "hl,vdev";
inline constexpr string_view target = "hl,target";
inline constexpr string_view disk_mode = "hl,mode";
inline constexpr string_view bridge = "hl,bridge";
inline constexpr string_view mac = "hl,mac";
inline constexpr string_view channel_end = "hl,connection";

// Module nodes
inline constexpr string_view module_compatible = "multiboot,module";
inline constexpr std::array kernel_compatible{string_view{"module,kernel"},
                                              string_view{"multiboot,kernel"}};
inline constexpr std::array ramdisk_compatible{string_view{"module,ramdisk"},
                                               string_view{"multiboot,ramdisk"}};
inline constexpr string_view module_index = "module-index";
inline constexpr string_view source = "hl,source";
inline constexpr string_view size = "hl,size";
inline constexpr string_view digest = "hl,digest";
inline constexpr string_view digest_prefix = "sha256:";

// Bits of "mode"
inline constexpr uint32_t mode_pv = 1U << 0;
inline constexpr uint32_t mode_device_model = 1U << 1;
inline constexpr uint32_t mode_long = 1U << 2;

}  // namespace launch::names
