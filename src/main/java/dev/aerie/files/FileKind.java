package dev.aerie.files;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.regex.Pattern;

/** The kind of a file according to its first bytes. Names are unreliable: downloads and exports have wrong endings or none. */
public enum FileKind {

    /** Text in UTF-8, as far as the first bytes show; or an empty file. */
    TEXT("text"),
    PARQUET("a Parquet file"),
    GZIP("a gzip file"),
    ZSTD("a Zstandard file"),
    BZIP2("a bzip2 file"),

    GIT_LFS_POINTER("a Git LFS pointer, not the file itself; git lfs pull downloads it"),
    GIT_ANNEX_POINTER("a git-annex pointer, not the file itself; git annex get downloads it"),
    HTML("an HTML page, which is what a failed download leaves"),
    XML("an XML document"),
    UTF_16("text in UTF-16"),
    UTF_32("text in UTF-32"),
    CSV("a CSV file"),
    ZIP("a ZIP archive"),
    XZ("an xz file"),
    LZMA("an LZMA file"),
    LZIP("an lzip file"),
    LZO("an LZO file"),
    COMPRESS("a file of Unix compress"),
    ZLIB("a zlib stream"),
    LZ4("an LZ4 file"),
    SNAPPY("a Snappy file"),
    SEVEN_ZIP("a 7-Zip archive"),
    RAR("a RAR archive"),
    TAR("a tar archive"),
    ENCRYPTED_PARQUET("an encrypted Parquet file"),
    ARROW_FILE("an Arrow IPC file"),
    ARROW_STREAM("an Arrow IPC stream"),
    FEATHER("a Feather file of version 1"),
    ORC("an ORC file"),
    AVRO("an Avro file"),
    SEQUENCE_FILE("a Hadoop sequence file"),
    SQLITE("an SQLite database"),
    HDF5("an HDF5 file"),
    PICKLE("a Python pickle"),
    PDF("a PDF document"),
    BINARY("binary data of no known kind");

    /** Number of bytes from the beginning of a file that {@link #of} uses. */
    public static final int HEAD = 4096;

    private static final Pattern CSV_HEADER = Pattern.compile("\"?[A-Za-z_][\\w .-]*\"?([,;\\t]\"?[A-Za-z_][\\w .-]*\"?)+");

    private final String description;

    FileKind(String description) {
        this.description = description;
    }

    /** Returns the description with its article, to follow "is". */
    public String description() {
        return description;
    }

    /** Returns whether this is a compression of one file, whose content is read. */
    public boolean isCompression() {
        return this == GZIP || this == ZSTD || this == BZIP2;
    }

    /** Reads the beginning of a stream and leaves the stream after it. */
    public static byte[] head(InputStream in) throws IOException {
        return in.readNBytes(HEAD);
    }

    /** @param head the first {@link #HEAD} bytes of a file, or all bytes of a shorter one */
    public static FileKind of(byte[] head) {
        for (Magic magic : MAGICS) {
            if (magic.isAt(head)) {
                return magic.kind;
            }
        }
        if (isZstdSkippable(head)) {
            return ZSTD;
        }
        if (isBzip2(head)) {
            return BZIP2;
        }
        if (head.length > 265 && text(head, 257, 5).equals("ustar")) {
            return TAR;
        }
        FileKind encoding = wideText(head);
        return encoding != null ? encoding : ofText(head);
    }

    /** A frame that decoders skip: parallel and seekable writers of Zstandard begin with one. */
    private static boolean isZstdSkippable(byte[] head) {
        return head.length >= 4 && (head[0] & 0xf0) == 0x50 && head[1] == 0x2a && head[2] == 0x4d && head[3] == 0x18;
    }

    private static boolean isBzip2(byte[] head) {
        return head.length >= 10 && text(head, 0, 3).equals("BZh") && head[3] >= '1' && head[3] <= '9'
                && (text(head, 4, 3).equals("1AY") || head[4] == 0x17 && head[5] == 0x72 && head[6] == 0x45);
    }

    /** Detects a byte-order mark, or a bracket or brace between zeros. */
    private static FileKind wideText(byte[] head) {
        if (head.length < 2) {
            return null;
        }
        int a = head[0] & 0xff;
        int b = head[1] & 0xff;
        int c = head.length > 2 ? head[2] & 0xff : 1;
        int d = head.length > 3 ? head[3] & 0xff : 1;
        if (a == 0xff && b == 0xfe && c == 0 && d == 0 || a == 0 && b == 0 && (c == 0xfe && d == 0xff || c == 0 && d >= ' ')
                || a >= ' ' && a < 0x7f && b == 0 && c == 0 && d == 0) {
            return UTF_32;
        }
        boolean littleEndian = a == 0xff && b == 0xfe || (a >= ' ' && a < 0x7f || a == '\n' || a == '\r') && b == 0;
        boolean bigEndian = a == 0xfe && b == 0xff || a == 0 && (b >= ' ' && b < 0x7f || b == '\n' || b == '\r');
        return littleEndian || bigEndian ? UTF_16 : null;
    }

    private static FileKind ofText(byte[] head) {
        int start = head.length >= 3 && (head[0] & 0xff) == 0xef && (head[1] & 0xff) == 0xbb && (head[2] & 0xff) == 0xbf ? 3 : 0;
        String text = new String(head, start, head.length - start, StandardCharsets.ISO_8859_1).strip();
        if (text.startsWith("version https://git-lfs.github.com/spec/")) {
            return GIT_LFS_POINTER;
        }
        if (text.length() < 1024 && text.lines().count() == 1 && text.contains("annex/objects/")) {
            return GIT_ANNEX_POINTER;
        }
        String lower = text.substring(0, Math.min(20, text.length())).toLowerCase(Locale.ROOT);
        if (lower.startsWith("<!doctype html") || lower.startsWith("<html")) {
            return HTML;
        }
        if (lower.startsWith("<?xml")) {
            return XML;
        }
        if (CSV_HEADER.matcher(text.lines().findFirst().orElse("")).matches() && text.lines().skip(1).findAny().isPresent()) {
            return CSV;
        }
        return text.isEmpty() || text.charAt(0) >= ' ' && text.charAt(0) != 0x7f ? TEXT : BINARY;
    }

    private static String text(byte[] head, int from, int length) {
        return new String(head, from, length, StandardCharsets.ISO_8859_1);
    }

    private record Magic(FileKind kind, byte[] bytes) {

        static Magic of(FileKind kind, String latin1) {
            return new Magic(kind, latin1.getBytes(StandardCharsets.ISO_8859_1));
        }

        boolean isAt(byte[] head) {
            if (head.length < bytes.length) {
                return false;
            }
            for (int i = 0; i < bytes.length; i++) {
                if (head[i] != bytes[i]) {
                    return false;
                }
            }
            return true;
        }
    }

    private static final Magic[] MAGICS = {
        Magic.of(PARQUET, "PAR1"),
        Magic.of(ENCRYPTED_PARQUET, "PARE"),
        Magic.of(GZIP, "\u001f\u008b"),
        Magic.of(ZSTD, "\u0028\u00b5\u002f\u00fd"),
        Magic.of(ZIP, "PK\u0003\u0004"),
        Magic.of(ZIP, "PK\u0005\u0006"),
        Magic.of(ZIP, "PK\u0007\u0008"),
        Magic.of(XZ, "\u00fd7zXZ\0"),
        Magic.of(LZMA, "]\0\0"),
        Magic.of(LZIP, "LZIP"),
        Magic.of(LZO, "\u0089LZO\0"),
        Magic.of(COMPRESS, "\u001f\u009d"),
        Magic.of(ZLIB, "x\u0001"),
        Magic.of(ZLIB, "x\u009c"),
        Magic.of(ZLIB, "x\u00da"),
        Magic.of(LZ4, "\u0004\"M\u0018"),
        Magic.of(LZ4, "\u0002!L\u0018"),
        Magic.of(SNAPPY, "\u00ff\u0006\0\0sNaPpY"),
        Magic.of(SEVEN_ZIP, "7z\u00bc\u00af'\u001c"),
        Magic.of(RAR, "Rar!\u001a\u0007"),
        Magic.of(ARROW_FILE, "ARROW1"),
        Magic.of(ARROW_STREAM, "\u00ff\u00ff\u00ff\u00ff"),
        Magic.of(FEATHER, "FEA1"),
        Magic.of(ORC, "ORC"),
        Magic.of(AVRO, "Obj\u0001"),
        Magic.of(SEQUENCE_FILE, "SEQ\u0006"),
        Magic.of(SQLITE, "SQLite format 3\0"),
        Magic.of(HDF5, "\u0089HDF\r\n\u001a\n"),
        Magic.of(PICKLE, "\u0080\u0002"),
        Magic.of(PICKLE, "\u0080\u0003"),
        Magic.of(PICKLE, "\u0080\u0004"),
        Magic.of(PICKLE, "\u0080\u0005"),
        Magic.of(PDF, "%PDF-"),
    };
}
