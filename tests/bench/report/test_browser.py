"""The page in a real browser: offline, readable, sortable, filterable, addressable, drawn, and printed whole."""

import base64
import json
from pathlib import Path

import pytest

from bench.core.record import Status
from bench.report import units
from bench.report.frame import frame
from bench.report.html import write_report
from bench.report.table import results_table

selenium = pytest.importorskip("selenium", reason="selenium is not installed")
from selenium import webdriver  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def path(make_record, make_run, tmp_path) -> Path:
    """A page with times that sort differently as text, a name that is a script, and a record that did not pass."""
    cases = [{"cin": 64, "groups": groups} for groups in (1, 4)]
    times = {"pytorch": 900.0, "im2col": 1_000_000.0, EVIL: 20_000.0}
    records = [
        make_record(name, [time * (1 + number / 10)] * 20, parameters=case)
        for number, case in enumerate(cases)
        for name, time in times.items()
    ]
    records.append(make_record("crashing", parameters=cases[0], status=Status.CRASHED, reason="signal 11", check=None))
    return write_report([make_run(records)], tmp_path / "report.html")


@pytest.fixture
def page(browser, path) -> webdriver.Chrome:
    browser.get("about:blank")
    browser.get(path.as_uri())
    return browser


def shown(page: webdriver.Chrome, column: str) -> list[str]:
    """Return the texts of a column in the rows that are drawn, from the top."""
    script = """
        const index = [...document.querySelectorAll('#table thead th')]
            .findIndex(header => header.dataset.name === arguments[0]);
        return [...document.querySelectorAll('#table tbody tr[data-position]')]
            .map(row => row.cells[index].firstChild.data.replaceAll('\\u00a0', ' '));"""
    return page.execute_script(script, column)


def header(page: webdriver.Chrome, name: str):
    return page.find_element(By.CSS_SELECTOR, f"th[data-name='{name}']")


def state(page: webdriver.Chrome) -> str:
    return page.execute_script("return decodeURIComponent(location.hash)")


def test_the_page_requests_nothing_and_logs_no_error(browser, path, open_page):
    requested_urls, messages = open_page(path.as_uri())
    assert requested_urls == [browser.current_url]
    assert messages == []


def test_numbers_are_written_as_the_command_line_writes_them(page):
    script = "const [f, v] = arguments; return reportUnits[f](v)"
    source = (Path(units.__file__).parent / "templates/units.js").read_text(encoding="utf-8")
    page.execute_script(f"{source}; window.reportUnits = {{ number, duration, size, percent }};")
    values = [0, 1, 0.51234, 1234.4, 12345.6, 99999.9, 123456.0, 2e-7, 0.00012345, 9.9996, 5.5e7, 1023, 2**20, 3.25e9]
    for name in ("number", "duration", "size", "percent"):
        for value in values:
            assert page.execute_script(script, name, value) == getattr(units, name)(value), (name, value)


def test_all_figures_are_drawn_with_points_and_names(page):
    for figure in page.find_elements(By.CSS_SELECTOR, "figure"):
        page.execute_script("arguments[0].scrollIntoView()", figure)
        WebDriverWait(page, 10).until(lambda _, figure=figure: figure.find_elements(By.CSS_SELECTOR, "svg .point"))
    assert len(page.find_elements(By.CSS_SELECTOR, "article.drawn figure svg")) == 3
    assert EVIL in page.find_element(By.CSS_SELECTOR, "article.drawn figure svg").get_attribute("aria-label")
    assert page.find_elements(By.CSS_SELECTOR, ".dotted + .guide-point"), "what a frontier joins, though it be hidden"


def test_names_in_figures_do_not_overlap(page):
    """Direct labels are moved apart, and ticks that would collide are left out."""
    page.execute_script("document.querySelector('article.drawn').scrollIntoView()")
    WebDriverWait(page, 10).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, "article.drawn svg .label"))
    script = """
        const boxes = selector => [...document.querySelectorAll(selector)].map(text => text.getBoundingClientRect());
        const clash = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom - 1 && b.top < a.bottom - 1;
        let clashes = 0;
        for (const svg of document.querySelectorAll('article.drawn svg, .forest svg')) {
            const texts = [...svg.querySelectorAll('text')].filter(text => text.textContent)
                .map(text => text.getBoundingClientRect());
            texts.forEach((box, index) => texts.slice(index + 1).forEach(other => clashes += clash(box, other)));
        }
        return clashes;"""
    assert page.execute_script(script) == 0


def test_a_name_with_a_script_stays_text(page):
    assert EVIL in page.find_element(By.ID, "table").text
    assert EVIL in page.find_element(By.CSS_SELECTOR, ".legend").text
    assert EVIL in page.find_element(By.CSS_SELECTOR, ".matrix thead").get_attribute("textContent")
    with pytest.raises(Exception, match="no such alert"):
        page.switch_to.alert  # noqa: B018


def test_sorts_by_time_both_ways_with_missing_last(page):
    header(page, "latency_ns").find_element(By.TAG_NAME, "button").click()
    ascending = shown(page, "latency_ns")
    assert ascending == ["900.0 ns", "990.0 ns", "20.00 µs", "22.00 µs", "1.000 ms", "1.100 ms", "–"]
    assert header(page, "latency_ns").get_attribute("aria-sort") == "ascending"
    page.switch_to.active_element.send_keys(Keys.ENTER)
    assert shown(page, "latency_ns") == [*reversed(ascending[:-1]), "–"]
    assert header(page, "latency_ns").get_attribute("aria-sort") == "descending"
    assert page.find_element(By.ID, "shown").text == "7 rows, sorted by Latency per call, descending"
    header(page, "case").find_element(By.TAG_NAME, "button").click()
    assert header(page, "latency_ns").get_attribute("aria-sort") is None


def test_filters_by_text_parameter_and_choice(page):
    form, count = page.find_element(By.ID, "filters"), page.find_element(By.ID, "shown")
    Select(form.find_element(By.NAME, "implementation")).select_by_value(EVIL)
    assert set(shown(page, "implementation")) == {EVIL}
    assert count.text == "2 of 7 rows"
    assert count.get_attribute("aria-live") == "polite"
    assert page.find_element(By.ID, "table").get_attribute("aria-rowcount") == "3"
    form.find_element(By.NAME, "text").send_keys("channels_per_group=16")
    assert shown(page, "case") == ["cin=64,groups=4"]
    Select(form.find_element(By.NAME, "verdict")).select_by_value("baseline")
    assert shown(page, "case") == []


def test_the_address_brings_back_what_the_reader_chose(page):
    header(page, "latency_ns").find_element(By.TAG_NAME, "button").click()
    header(page, "latency_ns").find_element(By.TAG_NAME, "button").click()
    form = page.find_element(By.ID, "filters")
    Select(form.find_element(By.NAME, "verdict")).select_by_value("slower")
    form.find_element(By.CSS_SELECTOR, ".columns summary").click()
    form.find_element(By.CSS_SELECTOR, "input[value=groups]").click()
    before = shown(page, "implementation"), shown(page, "groups")
    assert before == (["im2col", "im2col", EVIL, EVIL], ["4", "1", "4", "1"])
    address = page.current_url
    page.get("about:blank")
    page.get(address)
    assert (shown(page, "implementation"), shown(page, "groups")) == before
    assert Select(page.find_element(By.NAME, "verdict")).first_selected_option.text == "slower"


def test_links_within_the_page_keep_what_the_reader_chose(page):
    header(page, "latency_ns").find_element(By.TAG_NAME, "button").click()
    page.execute_script("document.querySelector('nav a[href=\"#figures\"]').click()")
    assert state(page) == "#figures?sort=latency_ns"
    assert page.switch_to.active_element.get_attribute("id") == "figures-heading"


def test_the_keyboard_moves_through_rows_and_opens_one(page):
    table = page.find_element(By.ID, "table")
    table.send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    active = page.find_element(By.ID, table.get_attribute("aria-activedescendant"))
    assert active.get_attribute("aria-rowindex") == "3"
    table.send_keys(Keys.END)
    assert table.get_attribute("aria-activedescendant") == "row-6"
    table.send_keys(Keys.ENTER)
    record = page.find_element(By.ID, "record")
    assert page.switch_to.active_element.tag_name == "h3"
    assert "signal 11" in record.text
    page.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not record.is_displayed()
    assert page.switch_to.active_element == table


def test_the_link_of_a_row_opens_it(page):
    page.find_element(By.CSS_SELECTOR, "#table tr[data-position='1']").click()
    link = page.find_element(By.CSS_SELECTOR, "#record a").get_attribute("href")
    page.get("about:blank")
    page.get(link)
    record = page.find_element(By.ID, "record")
    assert record.is_displayed()
    assert record.find_element(By.TAG_NAME, "h3").text == "im2col: cin=64,groups=1"
    assert page.find_element(By.CSS_SELECTOR, "#table tr[aria-selected]").get_attribute("data-position") == "1"


def test_another_baseline_changes_every_ratio(page):
    assert shown(page, "ratio") == ["–", "1,111", "22.22", "–", "1,111", "22.22", "–"]
    Select(page.find_element(By.NAME, "baseline")).select_by_value("im2col")
    assert shown(page, "ratio") == ["0.000900", "–", "0.0200", "0.000900", "–", "0.0200", "–"]
    assert shown(page, "verdict")[:3] == ["faster", "baseline", "faster"]
    cells = page.find_elements(By.CSS_SELECTOR, ".matrix tbody tr:first-child td")
    assert [cell.get_attribute("class").split()[0] for cell in cells] == ["faster", "faster", "baseline", "none"]
    assert "latency / latency of im2col" in page.find_element(By.CSS_SELECTOR, ".forest").get_attribute("textContent")
    assert state(page) == "#?baseline-0=im2col"


def test_a_case_of_the_matrix_has_its_forest_plot(page):
    forest = page.find_element(By.CSS_SELECTOR, ".forest")
    assert len(forest.find_elements(By.CSS_SELECTOR, ".ratio")) == 3
    page.find_element(By.CSS_SELECTOR, ".matrix tbody tr:nth-child(2) th button").click()
    assert "1,111 [1,111, 1,111]slower" in forest.get_attribute("textContent")
    assert Select(page.find_element(By.NAME, "case")).first_selected_option.text.startswith("groups=4")


def test_a_name_is_hidden_and_shown(page):
    page.execute_script("document.querySelector('article.drawn').scrollIntoView()")
    button = page.find_element(By.CSS_SELECTOR, ".legend button[data-implementation=im2col]")
    lines = "article.drawn svg .series:not(.muted)[data-name=im2col]"
    WebDriverWait(page, 10).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, lines))
    button.send_keys(Keys.SPACE)
    assert button.get_attribute("aria-pressed") == "false"
    assert not page.find_elements(By.CSS_SELECTOR, lines)


def test_data_are_saved_as_csv_and_json(page):
    script = """
        const done = arguments[1];
        const create = URL.createObjectURL;
        URL.createObjectURL = blob => { blob.text().then(done); return create(blob); };
        HTMLAnchorElement.prototype.click = () => {};
        document.querySelector(arguments[0]).dispatchEvent(new MouseEvent('click'));"""
    rows = page.execute_async_script(script, "#results .downloads button").splitlines()
    assert rows[0].startswith("implementation,case,latency_ns,latency_low_ns,latency_high_ns,ratio,ratio_low")
    assert len(rows) == 8
    assert rows[1].startswith('pytorch,"cin=64,groups=1",900')
    ratios = json.loads(page.execute_async_script(script, "#comparison .downloads button:last-child"))
    assert {record["implementation"] for record in ratios} == {"pytorch", "im2col", EVIL, "crashing"}
    assert ratios[0].keys() == {"case", "implementation", "baseline", "ratio", "low", "high", "verdict", "note"}


@pytest.mark.parametrize("width", [390, 1400, 1920])
def test_fits_the_screen(page, resize, width):
    resize(width)
    page.refresh()
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


CONTRAST = """
    const channels = colour => {
        const [r, g, b, a] = colour.match(/[\\d.]+/g).map(Number);
        return { rgb: [r, g, b], alpha: a ?? 1 };
    };
    const luminance = rgb => rgb.map(c => c / 255).map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
        .reduce((sum, c, index) => sum + c * [.2126, .7152, .0722][index], 0);
    const ground = element => {
        for (let each = element; each; each = each.parentElement) {
            const { rgb, alpha } = channels(getComputedStyle(each).backgroundColor);
            if (alpha > .99) return rgb;
        }
        return [255, 255, 255];
    };
    const weak = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest('script, style')) continue;
        const style = getComputedStyle(element);
        const colour = channels(element.closest('svg') ? style.fill : style.color).rgb;
        const [low, high] = [luminance(colour), luminance(ground(element))].sort((a, b) => a - b);
        if ((high + .05) / (low + .05) < 4.5) weak.push(walker.currentNode.data.trim());
    }
    return weak;"""


@pytest.mark.usefixtures("colour_scheme")
def test_every_text_stands_out_from_its_ground(page):
    page.execute_script("for (const details of document.querySelectorAll('details')) details.open = true")
    page.execute_script("document.querySelector('article.drawn').scrollIntoView()")
    WebDriverWait(page, 10).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, "article.drawn svg .label"))
    assert page.execute_script(CONTRAST) == []


@pytest.mark.usefixtures("colour_scheme")
def test_axe_finds_nothing_serious(page, axe_violations):
    page.execute_script("for (const details of document.querySelectorAll('details')) details.open = true")
    page.find_element(By.CSS_SELECTOR, "#table tr[data-position='1']").click()
    assert axe_violations() == {}


def test_prints_with_all_that_can_be_opened(page):
    page.execute_script("""
        addEventListener('beforeprint', () => {
            window.printed = [...document.querySelectorAll('details:not(.columns)')].every(details => details.open);
            window.drawn = [...document.querySelectorAll('article.drawn figure')].every(f => f.querySelector('svg'));
        });""")
    paper = page.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    assert base64.b64decode(paper["data"]).startswith(b"%PDF")
    assert page.execute_script("return [window.printed, window.drawn]") == [True, True]
    assert page.execute_script("return document.querySelectorAll('details[open]').length") <= 1


ROWS = 100_000


@pytest.fixture
def large_page(browser, make_record, make_run, tmp_path) -> webdriver.Chrome:
    """Open a page whose table has 100,000 rows, of which the last is the fastest."""
    run = make_run([make_record(name) for name in ("pytorch", "im2col")])
    text = write_report([run], tmp_path / "report.html").read_text(encoding="utf-8")
    columns = results_table(frame([run]), [], [])
    for column in columns:
        for key in column.keys() - {"words"}:
            if isinstance(column[key], list):
                column[key] *= ROWS // 2
        if column["name"] == "latency_ns":
            column["value"] = [float(ROWS - row) for row in range(ROWS)]
    data = {"count": ROWS, "columns": columns}
    opening = '<script type="application/json" id="results-data">'
    before, after = text.split(opening)
    after = after[after.index("</script>") :]
    path = tmp_path / "large.html"
    path.write_text(before + opening + json.dumps(data, separators=(",", ":")) + after, encoding="utf-8")
    browser.get(path.as_uri())
    return browser


def test_a_hundred_thousand_rows_are_sorted_and_filtered_with_few_elements(large_page):
    page = large_page
    count = "return document.querySelectorAll('#table tr').length"
    assert page.execute_script(count) < 100
    header(page, "latency_ns").find_element(By.TAG_NAME, "button").click()
    assert shown(page, "latency_ns")[:2] == ["1.000 ns", "2.000 ns"]
    assert shown(page, "implementation")[:2] == ["im2col", "pytorch"]
    table = page.find_element(By.ID, "table")
    table.send_keys(Keys.END)
    assert shown(page, "latency_ns")[-1] == "100.0 µs"
    assert table.get_attribute("aria-rowcount") == str(ROWS + 1)
    page.find_element(By.NAME, "text").send_keys("im2col")
    assert page.find_element(By.ID, "shown").text.startswith("50000 of 100000 rows")
    assert page.execute_script(count) < 100
