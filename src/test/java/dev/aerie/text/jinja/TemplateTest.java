package dev.aerie.text.jinja;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TemplateTest {

    /** Templates of our own; what they should give was computed by jinja2 3.1.6 in the environment that transformers sets up. */
    @Test
    void agreesWithJinja2() throws IOException {
        ObjectMapper json = JsonMapper.builder().enable(DeserializationFeature.USE_LONG_FOR_INTS).build();
        JsonNode golden;
        try (InputStream in = getClass().getResourceAsStream("semantics.json")) {
            golden = json.readTree(in);
        }
        Map<String, Object> variables = json.convertValue(golden.get("variables"), new TypeReference<>() {});
        List<Executable> checks = new ArrayList<>();
        for (JsonNode one : golden.get("cases")) {
            String source = one.get("template").asText();
            checks.add(() -> assertEquals(one.get("rendered").asText(), Template.parse(source).render(variables), source));
        }
        assertTrue(checks.size() > 30);
        assertAll(checks);
    }

    @Test
    void raisedMessageIsTheTemplatesOwn() {
        TemplateException raised = assertThrows(TemplateRaisedException.class,
                () -> render("a\n{% if true %}\n{{ raise_exception('Roles must ' + 'alternate') }}\n{% endif %}"));
        assertEquals("Roles must alternate", raised.reason());
        assertEquals(3, raised.line());
        assertEquals("Roles must alternate (line 3 of the template)", raised.getMessage());
    }

    @Test
    void errorsSayWhatAndWhere() {
        assertAll(
                () -> fails("a\n{{ x.y }}", "'x' is undefined (line 2 of the template)"),
                () -> fails("{{ 1 + 'a' }}", "unsupported operand types for +: 'int' and 'str' (line 1 of the template)"),
                () -> fails("{{ xs.append(1) }}", "a template may not change a list (append) (line 1 of the template)"),
                () -> fails("{{ 1 / 0 }}", "division by zero (line 1 of the template)"),
                () -> fails("a\nb\n{{ m.b.c.d }}", "'int object' has no attribute 'c' (line 3 of the template)"),
                () -> fails("{% for x in 3 %}{% endfor %}", "'int' object is not iterable (line 1 of the template)"),
                () -> fails("{{ m(1) }}", "'dict' object is not callable (line 1 of the template)"),
                () -> fails("{{ 1|nofilter }}", "there is no filter 'nofilter' (line 1 of the template)"),
                () -> fails("{{ 1 is notest }}", "there is no test 'notest' (line 1 of the template)"),
                () -> fails("{{ (xs|select)|length }}", "object of type 'generator' has no len() (line 1 of the template)"),
                () -> fails("{{ xs|select|last }}", "'generator' object is not reversible (line 1 of the template)"),
                () -> fails("{{ m.keys()|tojson }}",
                        "Object of type dict_keys is not JSON serializable (line 1 of the template)"),
                () -> fails("{{ 3|items|list }}", "the filter items takes a mapping, not int (line 1 of the template)"),
                () -> fails("{{ range(*1) }}", "'int' object is not iterable (line 1 of the template)"),
                () -> fails("{{ dict(**1) }}", "the argument after ** must be a mapping (line 1 of the template)"),
                () -> fails("{{ dict(**m, **m) }}", "Invalid template: unexpected 'm' (expected one * and then one ** at most) "
                        + "(line 1 of the template)"),
                () -> fails("{% if %}", "Invalid template: unexpected the end of the statement (expected an expression) "
                        + "(line 1 of the template)"),
                () -> fails("\n{% for x in xs %}", "Invalid template: unexpected the end of the template "
                        + "(expected else or endfor) (line 2 of the template)"),
                () -> fails("{% include 'x' %}", "Invalid template: unknown statement 'include' (line 1 of the template)"),
                () -> fails("{% endfor %}", "Invalid template: unknown statement 'endfor' (line 1 of the template)"),
                () -> fails("{{ 'a }}", "Invalid template: a string is never closed (expected ') (line 1 of the template)"),
                () -> fails("{{ a", "Invalid template: an expression is never closed (expected }}) (line 1 of the template)"),
                () -> fails("{# a", "Invalid template: a comment is never closed (expected #}) (line 1 of the template)"),
                () -> fails("{{ (1] }}", "Invalid template: unexpected ']' (line 1 of the template)"),
                () -> fails("{% break %}", "Invalid template: break outside a loop (line 1 of the template)"));
    }

    @Test
    void timesOfTheCLocale() {
        assertTrue(render("{{ strftime_now('%e|%D|%R|%c|%p|%-I|%z') }}").matches(
                "[ 1-3]\\d\\|\\d\\d/\\d\\d/\\d\\d\\|\\d\\d:\\d\\d\\|[A-Z][a-z]{2} [A-Z][a-z]{2} [ 1-3]\\d "
                        + "\\d\\d:\\d\\d:\\d\\d \\d{4}"
                        + "\\|[AP]M\\|\\d{1,2}\\|"));
    }

    @Test
    void generationTagIsTransparent() {
        assertEquals("a1b", render("a{% generation %}{{ 1 }}{% endgeneration %}b"));
    }

    @Test
    void timeIsFormatted() {
        assertTrue(render("{{ strftime_now('%Y-%m-%d') }}").matches("\\d{4}-\\d\\d-\\d\\d"));
        assertTrue(render("{{ strftime_now('%d %b %Y, %-d %B %%') }}")
                .matches("\\d\\d [A-Z][a-z]{2} \\d{4}, \\d{1,2} [A-Z][a-z]+ %"));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "{% for i in range(1000000) %}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='ab') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{{ 'ab' * 1000000000 }}",
        "{{ 9 ** 99999999 }}",
        "{{ 'a'.ljust(10000000000) }}",
        "{% for i in [[1]] recursive %}{{ loop([i]) }}{% endfor %}"})
    void costIsBounded(String source) {
        assertTimeoutPreemptively(Duration.ofSeconds(60), () -> assertThrows(TemplateException.class, () -> render(source)));
    }

    @Test
    void nestingOfSourceIsBounded() {
        assertThrows(TemplateException.class, () -> render("{{ " + "(".repeat(100_000) + "1" + ")".repeat(100_000) + " }}"));
        assertThrows(TemplateException.class, () -> render("{{ " + "not ".repeat(100_000) + "1 }}"));
        assertThrows(TemplateException.class, () -> render("{% if 1 %}".repeat(10_000) + "{% endif %}".repeat(10_000)));
    }

    private static String render(String source) {
        return Template.parse(source).render(Map.of("xs", List.of(1L, 2L), "m", Map.of("b", 1L)));
    }

    private static void fails(String source, String message) {
        assertEquals(message, assertThrows(TemplateException.class, () -> render(source), source).getMessage());
    }
}
