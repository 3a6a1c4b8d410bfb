// Test files of scanners, harmless. They prove that what packs them is undone.

rule clamav_test_program
{
    strings:
        $start = { 33 c0 50 50 8b f3 53 53 50 b0 29 40 30 04 66 ac 79 f9 ba 31 00 78 0d ad 50 ff 66 70 }
    condition:
        $start
}
