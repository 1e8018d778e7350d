package dev.aerie.files;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FileKindTest {

    @Test
    void kindsAreKnownByTheirFirstBytes() {
        Map<String, FileKind> kinds = Map.ofEntries(
                Map.entry("", FileKind.TEXT), Map.entry("{\"id\": 1}", FileKind.TEXT), Map.entry(" \n[", FileKind.TEXT),
                Map.entry("\u00ef\u00bb\u00bf{", FileKind.TEXT), Map.entry("# Notes, of it\nnext", FileKind.TEXT),
                Map.entry("id,prompt,answer\n1,a,b\n", FileKind.CSV), Map.entry("\"id\"\t\"text\"\r\n1\t2", FileKind.CSV),
                Map.entry("PAR1....", FileKind.PARQUET), Map.entry("\u001f\u008b\b", FileKind.GZIP),
                Map.entry("BZh91AY&SY..", FileKind.BZIP2), Map.entry("(\u00b5/\u00fd...", FileKind.ZSTD),
                Map.entry("PK\u0003\u0004", FileKind.ZIP), Map.entry("\u00fd7zXZ\0", FileKind.XZ),
                        Map.entry("\u0004\"M\u0018", FileKind.LZ4),
                Map.entry("ARROW1\0\0", FileKind.ARROW_FILE), Map.entry("\u00ff\u00ff\u00ff\u00ff\u0010", FileKind.ARROW_STREAM),
                Map.entry("ORC...", FileKind.ORC), Map.entry("Obj\u0001", FileKind.AVRO),
                        Map.entry("SEQ\u0006", FileKind.SEQUENCE_FILE),
                Map.entry("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", FileKind.GIT_LFS_POINTER),
                Map.entry("../.git/annex/objects/ab/cd\n", FileKind.GIT_ANNEX_POINTER),
                Map.entry("<!DOCTYPE html><html>", FileKind.HTML), Map.entry("<?xml version=\"1.0\"?>", FileKind.XML),
                Map.entry("]\0\0\u0080\0", FileKind.LZMA), Map.entry("LZIP\u0001", FileKind.LZIP),
                        Map.entry("\u0089LZO\0", FileKind.LZO),
                Map.entry("\u001f\u009d\u0090", FileKind.COMPRESS), Map.entry("x\u009c\u00cb", FileKind.ZLIB),
                Map.entry("P*M\u0018\u0004\0\0\0", FileKind.ZSTD), Map.entry("[\n", FileKind.TEXT), Map.entry("]", FileKind.TEXT),
                Map.entry("{\0\"\0", FileKind.UTF_16), Map.entry("\0{\0\"", FileKind.UTF_16),
                        Map.entry("\u00ff\u00fe{\0", FileKind.UTF_16),
                Map.entry("\u00fe\u00ff\0{", FileKind.UTF_16), Map.entry("\u00ff\u00fe\0\0", FileKind.UTF_32),
                Map.entry("\0\0\0{", FileKind.UTF_32), Map.entry("{\0\0\0", FileKind.UTF_32),
                Map.entry("\u0001\u0002\u0003", FileKind.BINARY),
                        Map.entry("x".repeat(257) + "ustar\0" + "00".repeat(5), FileKind.TAR));
        kinds.forEach((head, kind) -> assertEquals(kind, FileKind.of(head.getBytes(StandardCharsets.ISO_8859_1)), head));
    }
}
