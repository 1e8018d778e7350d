package dev.aerie.gang;

import java.nio.charset.StandardCharsets;

/** Reports that are lines of text. */
final class TextCodec implements ReportCodec<String> {

    private static final long serialVersionUID = 1;

    @Override
    public byte[] encode(String report) {
        return report.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public String decode(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
