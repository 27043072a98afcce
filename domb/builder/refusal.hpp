// SPDX-License-Identifier: Apache-2.0
// Why domB refuses to let a domain run. Each names the manifest field whose owner can help.
#pragma once

#include "hv/base/result.hpp"

#include <cstdint>
#include <string_view>

namespace builder {

enum class Refusal : uint8_t {
    TypeNotSupported,  // change the domain's type
    ModuleMissing,     // the loader did not deliver the artefact
    ModuleSize,        // the loader delivered more or fewer bytes than were built
    DigestDiffers,     // not the bytes the manifest demands
    NotElf64,          // no ELF file for x86-64
    Elf32,             // a 32-bit ELF file: there are no 32-bit domains
    ElfMalformed,      // headers that contradict each other or the file's length
    ElfTooManyParts,   // more segments than a kernel has
    ElfOverlap,        // two segments claim the same memory
    NoPvhNote,         // no XEN_ELFNOTE_PHYS32_ENTRY: cannot be started as PVH
    NoPvNotes,         // no Xen notes that make it a PV kernel
    PvNotesWrong,      // PV notes that contradict each other, the kernel or the address space
    FeatureMissing,    // a PV kernel that cannot do without a feature that hv does not have
    EntryOutside,      // the entry is not inside what is loaded
    OutsideRam,        // a segment lies where no RAM can be: hole, ACPI tables, above 4 GiB
    TooLittleMemory,   // kernel and initrd do not fit into the domain's memory
    TooMuchMemory,     // more memory than the domain's type can have
    CommandLine,       // a command line longer than the start info holds
    Role,              // a role that the domain's type cannot have
    Unmeasured,        // the TPM failed and the policy is `required`
    Hypervisor,        // the hypervisor refused an operation; its log says more
};

// The word in the launch record, in the refusal event and on the console.
std::string_view to_name(Refusal refusal);

// A refusal and the member of the domain's manifest object it is about ("" is the object itself).
struct Refused {
    Refusal why{};
    std::string_view member;
};

template <class T>
using Checked = hv::Result<T, Refused>;

}  // namespace builder
