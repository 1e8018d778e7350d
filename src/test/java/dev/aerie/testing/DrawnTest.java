package dev.aerie.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.torch.Scope;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Little-endian bytes that {@code src/test/golden/drawn.py} makes. */
class DrawnTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '#', value = {
        "model.norm.weight | {\"dtype\":\"F32\",\"shape\":[2,2],\"spread\":0.17,\"centre\":1.0} | "
                + "ad53723fc6be5e3f2274593f884a8f3f",
        "lm_head.weight | {\"dtype\":\"F32\",\"shape\":[4],\"spread\":0.104} | 16183ebdc6eb1b3c76a6ccbd74bfcb3d",
        "größe | {\"dtype\":\"BF16\",\"shape\":[4],\"spread\":0.104} | c7bdcc3da7bda0bd",
        "codes | {\"dtype\":\"F8_E4M3\",\"shape\":[8],\"spread\":448.0} | ea7e74f0ed73f878",
        "blocks | {\"dtype\":\"U8\",\"shape\":[8],\"low\":0,\"count\":256} | 46e6c579080a9131",
        "ids | {\"dtype\":\"I64\",\"shape\":[2],\"low\":3,\"count\":317} | 15000000000000002001000000000000",
    })
    void hasTheBitsOfItsPythonTwin(String name, String entry, String bytes) throws Exception {
        try (Scope scope = Scope.open()) {
            assertEquals(bytes, HexFormat.of().formatHex(
                    new Drawn(20250).tensor(name, new ObjectMapper().readTree(entry)).toBytes()));
        }
    }

    @Test
    void aTensorIsAFunctionOfSeedAndNameAlone() throws Exception {
        JsonNode entry = new ObjectMapper().readTree("{\"dtype\":\"F32\",\"shape\":[1000],\"spread\":2.0}");
        try (Scope scope = Scope.open()) {
            float[] values = new Drawn(-3).tensor("a", entry).toFloats();
            assertArrayEquals(values, new Drawn(-3).tensor("a", entry).toFloats());
            double mean = 0;
            double square = 0;
            for (float v : values) {
                mean += v / 1000;
                square += v * v / 1000;
            }
            assertEquals(0, mean, 0.1);
            assertEquals(4 / 3.0, square, 0.1);
        }
    }
}
