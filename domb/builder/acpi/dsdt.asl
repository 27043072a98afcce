// SPDX-License-Identifier: Apache-2.0
// The DSDT of every PVH domain: a machine without devices. ACPI wants one to exist.
DefinitionBlock ("dsdt.aml", "DSDT", 2, "GANTRY", "PVH", 1)
{
    Scope (\_SB)
    {
    }
}
