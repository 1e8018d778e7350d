package dev.aerie.torch;

/** Converts quantised weights to floating types, on the device of the codes. */
public final class Dequantise {

    private Dequantise() {}

    /**
     * Multiplies each block of a matrix by its scale, in float32.
     *
     * @param codes [out, in], 8-bit floating
     * @param scales [⌈out / rows⌉, ⌈in / columns⌉]
     * @return [out, in]
     */
    public static Tensor blocks(Tensor codes, Tensor scales, long rows, long columns, DType dtype) {
        return Script.tensor("dequantise_blocks", codes, scales, rows, columns, dtype.code());
    }

    /**
     * Converts OCP MXFP4: 4-bit floating codes e2m1, the low half of a byte first, and a power of two for each 32 of them.
     *
     * @param blocks uint8 [experts, rows, groups, 16]
     * @param scales [experts, rows, groups], the biased exponent as uint8 or e8m0
     * @return [experts, rows, 32 · groups]
     */
    public static Tensor mxfp4(Tensor blocks, Tensor scales, DType dtype) {
        return Script.tensor("dequantise_mxfp4", blocks, scales, dtype.code());
    }
}
