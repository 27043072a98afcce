// SPDX-License-Identifier: Apache-2.0
// SSDT of the domain with the role tpm: the TPM's registers, so that Linux's tpm_tis binds to them.
DefinitionBlock ("tpm.aml", "SSDT", 2, "GANTRY", "TPM", 1)
{
    Scope (\_SB)
    {
        Device (TPM0)
        {
            Name (_HID, "MSFT0101")
            Name (_STR, Unicode ("TPM 2.0 Device"))
            Name (_STA, 0x0F)
            Name (_CRS, ResourceTemplate ()
            {
                Memory32Fixed (ReadWrite, 0xFED40000, 0x00005000)
            })
        }
    }
}
