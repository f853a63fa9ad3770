"""Sentences of many languages in the older encodings in which they are met."""

import pytest

from mcp_mmretrieval.media.charset_guess import guess_encoding

TEXTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("fi", "cp1252 mac_roman cp850", ("Pöydän päällä on sähkölasku.", "Hyvää yötä!", "Äiti käy työssä Jyväskylässä.")),
    (
        "sv",
        "cp1252 mac_roman cp850",
        ("Båtägarna lämnar nycklarna på kontoret före påsk.", "Vi ses på måndag.", "Räksmörgås"),
    ),
    ("da", "cp1252 mac_roman cp850", ("Rødgrød med fløde", "Børnene går i skole på lørdag.", "Vi ses på Ærø.")),
    ("no", "cp1252 mac_roman cp850", ("Båten går fra kaia klokka åtte.", "Blåbærsyltetøy")),
    ("is", "cp1252 cp850", ("Það er kalt í dag.", "Þórður á hús við höfnina.")),
    (
        "de",
        "cp1252 mac_roman cp850",
        ("Der Flur ist 14 m² groß, außen 3°C.", "Straße", "Größe: über 5 Meter", "Schöne Grüße aus München"),
    ),
    (
        "fr",
        "cp1252 mac_roman cp850",
        ("L'été dernier, nous étions à la plage.", "Ça va très bien", "Le garçon a mangé une pêche"),
    ),
    (
        "es",
        "cp1252 mac_roman cp850",
        ("El niño comió una manzana mañana.", "¿Dónde está la estación?", "id,nombre,año\n1,Begoña Ibáñez,1998"),
    ),
    (
        "pt",
        "cp1252 mac_roman cp850",
        ("A reunião não começou às oito.", "São João da Boa Vista", "Informações sobre a inscrição"),
    ),
    ("it", "cp1252 mac_roman cp850", ("La città è più bella di sera.", "Perché no?", "Caffè")),
    ("nl", "cp1252 mac_roman cp850", ("Coëfficiënt en reünie", "De kosten bedragen € 25,00 in België.")),
    ("ca", "cp1252 mac_roman cp850", ("El cafè és molt bo a Perpinyà.", "Això és l'última cançó.")),
    (
        "en",
        "cp1252 mac_roman cp850",
        ("It costs £5 at the café.", "the piece is 5½ inches", "He said “never” – and left.", "don’t"),
    ),
    ("et", "cp1252 mac_roman cp850", ("Õhtul sõidame mööda jõge.", "Täna on väga külm.")),
    (
        "pl",
        "cp1250 iso8859_2 cp852",
        ("Łódź wiosłowa: 40 zł za dzień.", "Święta zamknięte", "Zażółć gęślą jaźń", "Gdańsk jest piękny"),
    ),
    (
        "cs",
        "cp1250 iso8859_2 cp852",
        ("Příliš žluťoučký kůň úpěl ďábelské ódy.", "Děkuji, nashledanou zítra večer.", "Můžete přijít později?"),
    ),
    ("sk", "cp1250 iso8859_2", ("Kŕdeľ ďatľov učí koňa žrať kôru.", "Ďakujem, všetko je v poriadku.")),
    (
        "hu",
        "cp1250 iso8859_2 cp852",
        ("Árvíztűrő tükörfúrógép", "A nővérem Győrben él.", "Köszönöm szépen, jó éjszakát!"),
    ),
    ("hr", "cp1250 iso8859_2", ("Kuća je na kraju šume, čekajte nas.", "Žao mi je, ne mogu doći.")),
    ("sl", "cp1250 iso8859_2", ("Želim si čaj z medom.", "Šola se začne v ponedeljek.")),
    ("ro", "cp1250 iso8859_2", ("Biroul este închis sîmbătă şi duminică.", "Mulţumesc foarte mult, la revedere")),
    (
        "tr",
        "cp1254 iso8859_9",
        ("Kayık kiralama ücreti Beşiktaş iskelesinde ödenir.", "Işık arızası için başvurun", "Çocuğa indirim yapılır."),
    ),
    ("lt", "cp1257 iso8859_13", ("Ačiū už pagalbą, iki pasimatymo.", "Šiandien yra graži diena, kurią švęsime.")),
    ("lv", "cp1257 iso8859_13", ("Paldies, viss ir kārtībā.", "Rīgā šodien ir ļoti auksts.")),
    (
        "ru",
        "cp1251 koi8_r iso8859_5 cp866 mac_cyrillic",
        (
            "цена",
            "Привет мир",
            "Все счастливые семьи похожи друг на друга.",
            "Договор поставки № 15 от 3 мая",
            "МОСКВА",
        ),
    ),
    ("uk", "cp1251 koi8_u", ("Київ є столицею України.", "Дякую, до побачення!")),
    ("bg", "cp1251 iso8859_5", ("Добър ден, как сте?", "Цената е двадесет лева.")),
    ("sr", "cp1251 iso8859_5", ("Добро дошли у Београд.", "Хвала вам, пријатељу.")),
    (
        "el",
        "cp1253 iso8859_7",
        ("Ο λογαριασμός είναι πληρωμένος.", "Καλημέρα", "Η Αθήνα είναι πρωτεύουσα της Ελλάδας."),
    ),
    ("he", "cp1255 iso8859_8", ("שלום עולם", "הפגישה נדחתה ליום שלישי.")),
    ("ar", "cp1256 iso8859_6", ("مرحبا بالعالم", "المدرسة مغلقة يوم الجمعة.")),
    ("th", "cp874", ("ห้องประชุมใหญ่", "สวัสดีครับ ยินดีต้อนรับ")),
    (
        "ja",
        "cp932 euc_jp",
        ("花火大会は雨天のため延期です。", "東京の図書館", "カレンダー", "吾輩は猫である。名前はまだ無い。"),
    ),
    ("zh", "gb18030", ("图书馆的借书证可以在前台办理。", "北京大学", "会议改到星期三下午三点。")),
    ("tw", "big5", ("圖書館的借書證", "會議改到星期三下午三點。", "臺北市政府")),
    ("ko", "cp949", ("회의는 다음 주 수요일로 연기되었습니다.", "서울의 날씨")),
)
"""Language, encodings, sentences."""
FEW = {"cp1252": 1, "mac_roman": 1, "cp850": 2, "mac_cyrillic": 2}
"""Sentences of one language that may be misread: of three words, or in encodings that are hardly met any more."""


@pytest.mark.parametrize(("language", "encodings", "sentences"), TEXTS, ids=[text[0] for text in TEXTS])
def test_sentences_are_read_in_the_encoding_in_which_they_were_written(
    language: str, encodings: str, sentences: tuple[str, ...]
) -> None:
    for encoding in encodings.split():
        wrong = []
        for sentence in (*sentences, "\n".join(sentences)):
            data = sentence.encode(encoding, "ignore")
            if not data.isascii() and data.decode(guess_encoding(data) or "ascii", "replace") != data.decode(encoding):
                wrong.append(sentence)
        assert len(wrong) <= FEW.get(encoding, 0), (encoding, wrong)


def test_a_text_in_capitals_is_read_as_one_in_small_letters() -> None:
    for encoding in ("cp1251", "koi8_r", "iso8859_5"):
        data = "МОСКВА И ОБЛАСТЬ".encode(encoding)
        assert data.decode(guess_encoding(data) or "ascii") == "МОСКВА И ОБЛАСТЬ"


def test_a_letter_far_behind_and_in_a_long_line_is_looked_at() -> None:
    data = b"plain words " * 20_000 + "Der Käse schmeckt süß, die Straße führt über Höfe.".encode("cp1252")
    assert guess_encoding(data) == "cp1252"


def test_bytes_that_make_no_text_in_any_encoding_are_none() -> None:
    assert guess_encoding(bytes(range(128, 256)) * 3 + bytes(range(32)) * 50) is None
