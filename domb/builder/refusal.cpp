// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/refusal.hpp"

namespace builder {

std::string_view to_name(Refusal refusal) {
    switch (refusal) {
        case Refusal::TypeNotSupported:
            return "type-not-supported";
        case Refusal::ModuleMissing:
            return "module-missing";
        case Refusal::ModuleSize:
            return "module-size-differs";
        case Refusal::DigestDiffers:
            return "expected-digest-differs";
        case Refusal::NotElf64:
            return "not-an-x86-64-elf";
        case Refusal::Elf32:
            return "32-bit-elf";
        case Refusal::ElfMalformed:
            return "elf-malformed";
        case Refusal::ElfTooManyParts:
            return "elf-too-many-segments";
        case Refusal::ElfOverlap:
            return "elf-segments-overlap";
        case Refusal::NoPvhNote:
            return "no-pvh-note";
        case Refusal::NoPvNotes:
            return "no-pv-notes";
        case Refusal::PvNotesWrong:
            return "pv-notes-wrong";
        case Refusal::FeatureMissing:
            return "kernel-requires-missing-feature";
        case Refusal::EntryOutside:
            return "entry-outside-segments";
        case Refusal::OutsideRam:
            return "segment-outside-ram";
        case Refusal::TooLittleMemory:
            return "too-little-memory";
        case Refusal::TooMuchMemory:
            return "too-much-memory";
        case Refusal::CommandLine:
            return "command-line-too-long";
        case Refusal::Role:
            return "role-not-for-this-type";
        case Refusal::Unmeasured:
            return "not-measured";
        case Refusal::Hypervisor:
            return "hypervisor-refused";
    }
    return "?";
}

}  // namespace builder
