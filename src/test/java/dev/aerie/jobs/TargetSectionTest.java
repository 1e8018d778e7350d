package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.aerie.target.Residency;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TargetSectionTest {

    @TempDir
    Path folder;

    @Test
    void residencyIsAutoUnlessTheRecipeSaysMore() throws IOException {
        assertEquals(Residency.AUTO, residency());
        assertEquals(Residency.STREAMED, residency("target.residency=streamed"));
        assertEquals(new Residency(Residency.Mode.AUTO, 80_000_000_000L), residency("target.weight_memory=80000000000"));
    }

    @Test
    void weightMemoryIsForAutoAlone() {
        RecipeException e = assertThrows(RecipeException.class,
                () -> residency("target.residency=resident", "target.weight_memory=5"));
        assertEquals("Invalid recipe key target.weight_memory: 5 (expected unset, as target.residency is resident and not auto)",
                e.getMessage());
        assertThrows(RecipeException.class, () -> residency("target.residency=paged"));
        assertThrows(RecipeException.class, () -> residency("target.wave_memory=0"));
    }

    @Test
    void threadsAreThoseOfTheTaskUnlessTheRecipeSaysMore() throws IOException {
        assertEquals(5, TargetSection.resources(recipe()).threadsOr(5));
        assertEquals(3, TargetSection.resources(recipe("runtime.threads=3")).threadsOr(5));
    }

    private Residency residency(String... set) throws IOException {
        return TargetSection.residency(recipe(set));
    }

    private Recipe recipe(String... set) throws IOException {
        Path file = folder.resolve("recipe.yaml");
        Files.writeString(file, "target: {model: somewhere}\n");
        return Recipe.read(file, List.of(set));
    }
}
