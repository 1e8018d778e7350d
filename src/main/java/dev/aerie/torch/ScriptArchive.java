package dev.aerie.torch;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes the smallest TorchScript archive that libtorch loads: a zip of four entries around source text.
 *
 * <p>{@code data.pkl} says in pickle "an object of class __torch__.M without state"; {@code code/__torch__.py} defines that
 * class; {@code constants.pkl} is an empty tuple, without which loading fails; {@code version} is 10, because under 3 old
 * operator schemas apply (gelu loses its argument, division rounds).
 */
final class ScriptArchive {

    private ScriptArchive() {}

    /** @param methods method definitions of the class, each indented by two spaces */
    static byte[] of(String methods) {
        try {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
                put(zip, "data.pkl", emptyObject());
                put(zip, "code/__torch__.py", ascii("class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n" + methods));
                put(zip, "constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'});
                put(zip, "version", ascii("10\n"));
            }
            return bytes.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Pickle, protocol 2: GLOBAL, EMPTY_TUPLE, NEWOBJ, EMPTY_DICT, BUILD, STOP. */
    private static byte[] emptyObject() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(new byte[] {(byte) 0x80, 2});
        out.writeBytes(ascii("c__torch__\nM\n"));
        out.writeBytes(new byte[] {')', (byte) 0x81, '}', 'b', '.'});
        return out.toByteArray();
    }

    private static void put(ZipOutputStream zip, String name, byte[] content) throws IOException {
        ZipEntry entry = new ZipEntry("m/" + name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(content.length);
        CRC32 crc = new CRC32();
        crc.update(content);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(content);
        zip.closeEntry();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
