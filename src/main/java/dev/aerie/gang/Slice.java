package dev.aerie.gang;

/** A contiguous part of a flat buffer, in elements. */
public record Slice(long start, long length) {

    public long end() {
        return start + length;
    }
}
